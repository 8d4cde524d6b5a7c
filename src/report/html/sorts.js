// Sorts tables by the column whose head is pressed. No library, no network.
"use strict";
(() => {
  document.querySelectorAll(".sorts").forEach((table) => {
    const heads = [...table.querySelectorAll("thead th")], body = table.tBodies[0];
    heads.forEach((head, column) => head.querySelector("button")?.addEventListener("click", () => {
      const numeric = head.classList.contains("number");
      const before = head.getAttribute("aria-sort");
      // Numbers: the largest first; names: from a on. What has no number stays at the end.
      const down = before === "none" ? numeric : before === "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (tr) => numeric ? tr.cells[column].dataset.v : tr.cells[column].textContent;
      const order = (a, b) => numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
      const rows = [...body.rows].map((tr) => [tr, key(tr)]);
      rows.sort(([, a], [, b]) => a === undefined || b === undefined ? (a === undefined) - (b === undefined) : down ? order(b, a) : order(a, b));
      body.append(...rows.map(([tr]) => tr));
    }));
  });
})();
