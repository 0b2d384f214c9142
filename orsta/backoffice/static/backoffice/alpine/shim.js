// Alpine's CSP build evaluates no globals and no statements: what Unfold's templates take from
// `window` becomes Alpine.data here, and what they evaluate becomes a function.
document.addEventListener("alpine:init", () => {
  const Alpine = window.Alpine;
  for (const name of ["theme", "searchForm", "searchDropdown", "searchCommand"]) {
    Alpine.data(name, window[name]);
  }
  Alpine.data("unfoldBody", (firstTab, isForm) => ({
    activeTab: "",
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem("sidebarDesktopOpen") !== "0",
    init() {
      this.activeTab = isForm ? window.getCurrentTab() || firstTab : "";
      this.$watch("sidebarDesktopOpen", (open) => {
        localStorage.setItem("sidebarDesktopOpen", open ? "1" : "0");
      });
    },
    formAction(tab) {
      const base = window.location.pathname + window.location.search;
      return tab && tab !== "general" ? `${base}#${tab}` : base;
    },
    clearOrBlur(input) {
      if (input.value === "") {
        input.blur();
      } else {
        input.value = "";
      }
    },
    moveRecords: (event) => window.moveRecords(event),
    sortRecords: (event) => window.sortRecords(event),
  }));
});
