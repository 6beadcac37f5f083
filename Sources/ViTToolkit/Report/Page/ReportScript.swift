/// What moves in a page: tables are sorted and searched. Without it the page is whole.
///
/// It holds neither `<` nor `&`, so that the page is well-formed XML as well.
enum ReportScript {
    static let source = """
        (function () {
          "use strict";
          var collator = new Intl.Collator("en", { numeric: true });

          function cellKey(row, column) {
            var cell = row.cells[column];
            return cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
          }

          // What is empty or no number comes last, whichever way the others stand.
          function order(a, b, isNumeric, sign) {
            if (isNumeric) {
              var x = a.key === "" ? NaN : Number(a.key), y = b.key === "" ? NaN : Number(b.key);
              if (isNaN(x) || isNaN(y)) { return (isNaN(x) - isNaN(y)) || a.place - b.place; }
              return x === y ? a.place - b.place : sign * (x > y ? 1 : -1);
            }
            if (a.key === "" || b.key === "") {
              return ((a.key === "") - (b.key === "")) || a.place - b.place;
            }
            return sign * collator.compare(a.key, b.key) || a.place - b.place;
          }

          function sort(table, header) {
            var isNumeric = header.classList.contains("n");
            var ways = isNumeric ? ["descending", "ascending", "none"] : ["ascending", "descending", "none"];
            var way = ways[(ways.indexOf(header.getAttribute("aria-sort")) + 1) % 3];
            table.querySelectorAll("th[aria-sort]").forEach(function (other) {
              other.setAttribute("aria-sort", other === header ? way : "none");
            });
            var body = table.tBodies[0];
            var rows = Array.from(body.rows).map(function (row) {
              return { row: row, place: Number(row.dataset.place), key: cellKey(row, header.cellIndex) };
            });
            var sign = way === "ascending" ? 1 : -1;
            rows.sort(function (a, b) {
              return way === "none" ? a.place - b.place : order(a, b, isNumeric, sign);
            });
            rows.forEach(function (entry) { body.appendChild(entry.row); });
          }

          function makeSortable(table) {
            Array.from(table.tBodies[0].rows).forEach(function (row, place) { row.dataset.place = place; });
            table.querySelectorAll("th.s").forEach(function (header) {
              var button = document.createElement("button");
              button.type = "button";
              button.textContent = header.textContent;
              header.textContent = "";
              header.setAttribute("aria-sort", "none");
              header.appendChild(button);
              button.addEventListener("click", function () { sort(table, header); });
            });
          }

          // All words have to be in the row, in any order.
          function search(input) {
            var rows = Array.from(document.getElementById(input.dataset.table).tBodies[0].rows);
            var words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
            var shown = 0;
            rows.forEach(function (row) {
              var text = row.textContent.toLowerCase();
              row.hidden = !words.every(function (word) { return text.includes(word); });
              shown += row.hidden ? 0 : 1;
            });
            var output = input.parentElement.querySelector("output");
            output.textContent = (shown === rows.length ? "" : shown + " of ") + rows.length + " " +
              output.dataset.noun;
          }

          document.querySelectorAll("input[data-table]").forEach(function (input) {
            makeSortable(document.getElementById(input.dataset.table));
            input.parentElement.hidden = false;
            input.addEventListener("input", function () { search(input); });
            // What a browser fills in again when the page is loaded anew.
            if (input.value) { search(input); }
          });
        })();

        """
}
