// Runs before the page is drawn: what needs JavaScript is shown only where there is some.
document.documentElement.classList.add("js");

// On a phone the navigation scrolls: show where one is.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".top nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
});
