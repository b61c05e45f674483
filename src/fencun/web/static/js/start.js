// Runs before the page is drawn: what needs JavaScript is shown only where there is some.
document.documentElement.classList.add("js");

// On a phone the navigation scrolls: show where one is.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".top nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
});

// The list of scenarios folds up again when one turns to something else.
document.addEventListener("click", (event) => {
  for (const list of document.querySelectorAll(".scenes[open]")) if (!list.contains(event.target)) list.open = false;
});
document.addEventListener("keydown", (event) => {
  const list = event.key === "Escape" && document.querySelector(".scenes[open]");
  if (!list) return;
  list.open = false;
  list.querySelector("summary").focus();
});
