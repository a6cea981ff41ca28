// Only a table or block of code that really scrolls needs to be reachable by keyboard.
function markScrollers() {
  for (const box of document.querySelectorAll(".table-scroll, .figure-scroll, pre, .equation-body, p:has(> math[display=block])")) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("resize", markScrollers);
addEventListener("load", markScrollers);
markScrollers();

// Paper cannot be opened: show what is folded while printing, then fold it again.
const folded = [];
addEventListener("beforeprint", () => {
  for (const box of document.querySelectorAll("details:not([open])")) {
    box.open = true;
    folded.push(box);
  }
});
addEventListener("afterprint", () => {
  while (folded.length) folded.pop().open = false;
});
