// What must be done before the first paint, and before the first navigation.
(function () {
  // The server names the root by a way back from this page; the page's address will change, the root not.
  var base = document.querySelector("base");
  if (base) base.href = base.href;
  // No flash in the wrong colours. The key is the explorer's too.
  try {
    var theme = localStorage.getItem("cairn.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (refused) {
    // Storage may be refused; the system's colours are right then.
  }
})();
