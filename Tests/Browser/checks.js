// What is asked of a page in the browser; each function gives a list of what is wrong.
(() => {
  const tables = () => [...document.querySelectorAll("table")].filter(t => t.querySelector("th[aria-sort]"));
  const shown = table => [...table.tBodies[0].rows].filter(row => !row.hidden);
  const key = (row, column) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();

  // A phone's browser would draw a page that is too wide smaller, window and all.
  function overflow(window) {
    const wide = document.documentElement.scrollWidth;
    return wide > window ? [`the page is ${wide} wide in a window of ${window}`] : [];
  }

  function sorting() {
    const problems = [];
    if (!tables().length) problems.push("no table can be sorted");
    for (const table of tables()) {
      const before = shown(table).map(row => row.rowIndex && key(row, 0) + row.dataset.place);
      for (const header of table.querySelectorAll("th[aria-sort]")) {
        const name = `${table.id}, ${header.textContent}`;
        const isNumeric = header.classList.contains("n");
        for (const way of isNumeric ? ["descending", "ascending"] : ["ascending", "descending"]) {
          header.querySelector("button").click();
          if (header.getAttribute("aria-sort") !== way) problems.push(`${name}: not ${way}`);
          const keys = shown(table).map(row => key(row, header.cellIndex)).filter(text => text !== "");
          const compare = isNumeric
            ? (a, b) => Number(a) - Number(b) : new Intl.Collator("en", { numeric: true }).compare;
          const sign = way === "ascending" ? 1 : -1;
          const numbers = isNumeric ? keys.filter(text => !isNaN(Number(text))) : keys;
          if (numbers.some((text, place) => place && sign * compare(numbers[place - 1], text) > 0))
            problems.push(`${name}: the rows are not ${way}`);
          if (isNumeric && keys.some(text => text !== "NaN" && isNaN(Number(text))))
            problems.push(`${name}: not all of the column are numbers`);
        }
        header.querySelector("button").click();
        const after = shown(table).map(row => row.rowIndex && key(row, 0) + row.dataset.place);
        if (header.getAttribute("aria-sort") !== "none" || after.join() !== before.join())
          problems.push(`${name}: the third click does not bring the first order back`);
      }
    }
    return problems;
  }

  function searching() {
    const problems = [];
    const inputs = [...document.querySelectorAll("input[type=search]")];
    if (!inputs.length) problems.push("there is no search");
    for (const input of inputs) {
      const table = document.getElementById(input.dataset.table);
      const type = text => {
        input.value = text;
        input.dispatchEvent(new Event("input", { bubbles: true }));
      };
      if (!input.labels.length || input.offsetParent === null) problems.push(`${table.id}: the search has no label`);
      const all = table.tBodies[0].rows.length;
      const name = key(table.tBodies[0].rows[all - 1], 0);
      type(name.toUpperCase());
      const found = shown(table);
      if (!found.length || !found.every(row => row.textContent.toLowerCase().includes(name.toLowerCase())))
        problems.push(`${table.id}: ${name} is not found`);
      const expected = [...table.tBodies[0].rows].filter(
        row => name.toLowerCase().split(/\s+/).every(word => row.textContent.toLowerCase().includes(word))).length;
      if (found.length !== expected) problems.push(`${table.id}: ${found.length} rows for ${name}, not ${expected}`);
      type("no such name");
      if (shown(table).length) problems.push(`${table.id}: what is not there is found`);
      if (!input.parentElement.querySelector("output").textContent.startsWith("0 of "))
        problems.push(`${table.id}: the number of rows is not told`);
      type("");
      if (shown(table).length !== all) problems.push(`${table.id}: not all rows come back`);
    }
    return problems;
  }

  function structure() {
    const problems = [];
    for (const table of document.querySelectorAll("table")) {
      if (!table.caption) problems.push("a table has no caption");
      if ([...table.tHead.querySelectorAll("th")].some(cell => cell.scope !== "col"))
        problems.push(`${table.id}: a heading has no scope`);
      if ([...table.tBodies[0].rows].some(row => row.cells[0].scope !== "row"))
        problems.push(`${table.id}: a row has no heading`);
    }
    for (const picture of document.querySelectorAll("img"))
      if (!picture.alt || !picture.complete || !picture.naturalWidth) problems.push("a picture is missing, or its words");
    for (const drawing of document.querySelectorAll("svg"))
      if (!drawing.ariaLabel && drawing.getAttribute("aria-hidden") !== "true") problems.push("a drawing has no words");
    if (document.querySelectorAll("h1").length !== 1) problems.push("not one h1");
    if (document.scripts.length !== 1) problems.push("not one script");
    return problems;
  }

  // WCAG 2.2: 4.5 to 1 for text.
  function contrast() {
    const parse = text => (text.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = colour => colour.slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
      .reduce((sum, v, channel) => sum + v * [0.2126, 0.7152, 0.0722][channel], 0);
    const page = parse(getComputedStyle(document.body).backgroundColor);
    const problems = new Map();
    for (const element of document.querySelectorAll("body *")) {
      if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
      if (element.closest("script, [hidden], caption")) continue;
      const style = getComputedStyle(element);
      let background = page;
      for (let place = element; place; place = place.parentElement) {
        const colour = parse(getComputedStyle(place).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) { background = colour; break; }
      }
      const letters = parse(element instanceof SVGElement ? style.fill : style.color);
      const [low, high] = [luminance(letters), luminance(background)].sort((a, b) => a - b);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < 4.5) problems.set(element.className || element.tagName, `${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)} to 1`);
    }
    return [...problems.values()];
  }

  return { overflow, sorting, searching, structure, contrast };
})()
