// 覆盖: a change of axis shows at once; without JavaScript the button does.

const form = document.querySelector(".axes");
form.querySelector("button").hidden = true;
form.addEventListener("change", (event) => {
  // Choosing what the other list shows swaps the two.
  const [rows, columns] = [form.elements.rows, form.elements.columns];
  if (rows.value === columns.value) {
    const other = event.target === rows ? columns : rows;
    other.value = event.target.dataset.before;
  }
  form.requestSubmit();
});
for (const list of form.querySelectorAll("select")) list.dataset.before = list.value;
