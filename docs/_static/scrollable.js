// Formulas that are wider than the page are moved with the arrow keys too; those that fit are no stop of the Tab key.
function stopAtWideFormulas() {
  for (const formula of document.querySelectorAll("div.math")) {
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    else formula.removeAttribute("tabindex");
  }
}
addEventListener("load", stopAtWideFormulas);
addEventListener("resize", stopAtWideFormulas);
