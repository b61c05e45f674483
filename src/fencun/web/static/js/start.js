// Runs before the page is drawn: what needs JavaScript is shown only where there is some.
document.documentElement.classList.add("js");
