// Tables whose rows are sorted by a click on a column's head: <th data-sort> of a <table class="data">.

/** Make the heads of a table buttons; numbers are sorted as numbers (data-value, else the text), others as texts. */
export function sortable(table) {
  const heads = [...table.tHead.rows].at(-1).cells;
  [...heads].forEach((head, place) => {
    if (!("sort" in head.dataset)) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "descending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "ascending" : "descending");
      const body = table.tBodies[0];
      body.append(...sorted([...body.rows], row => valueOf(row.cells[place]), !down));
    });
    head.append(button);
  });
}

const valueOf = cell => cell.dataset.value ?? cell.textContent.trim();

/** Items sorted by what `of` says of them; empty and missing ones last, equal ones as they were. */
export function sorted(items, of, descending) {
  const keyed = items.map(item => [of(item), item]);
  const empty = ([key]) => key === "" || key === "–" || key === undefined || key === null;
  const order = ([a], [b]) => {
    const [x, y] = [Number.parseFloat(a), Number.parseFloat(b)];
    return (Number.isNaN(x) || Number.isNaN(y) ? String(a).localeCompare(String(b)) : x - y) * (descending ? -1 : 1);
  };
  return [...keyed.filter(k => !empty(k)).sort(order), ...keyed.filter(empty)].map(([, item]) => item);
}
