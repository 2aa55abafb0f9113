/** Reads CSV or TSV, with fields in quotes; at most so many rows. */
export function parseTable(text: string, separator: string, mostRows = 1000): { rows: string[][]; cut: boolean } {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (quoted) {
      if (letter !== '"') field += letter;
      else if (text[at + 1] === '"') {
        field += '"';
        at++;
      } else quoted = false;
    } else if (letter === '"' && field === "") quoted = true;
    else if (letter === separator) {
      row.push(field);
      field = "";
    } else if (letter === "\n" || letter === "\r") {
      if (letter === "\r" && text[at + 1] === "\n") at++;
      rows.push([...row, field]);
      row = [];
      field = "";
      if (rows.length >= mostRows) return { rows, cut: at + 1 < text.length };
    } else field += letter;
  }
  if (field !== "" || row.length > 0) rows.push([...row, field]);
  return { rows, cut: false };
}
