// Tables as CSV (RFC 4180).

/// What a spreadsheet would take for a formula is marked as text: documents may come from anyone.
function cell_text(value: string | number | undefined): string {
  const text = value === undefined || (typeof value === "number" && !Number.isFinite(value)) ? "" : String(value);
  const safe = /^[=+@\t\r-]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv_text(rows: (string | number | undefined)[][]): string {
  return rows.map((row) => `${row.map(cell_text).join(",")}\r\n`).join("");
}

/// What a page shows as a number or word: 1 234 without its gaps, a dash as nothing.
export function plain_text(shown: string): string {
  const text = shown.replace(/(\d)\u202f(?=\d{3})/g, "$1").replace(/[\s\u202f\u00a0]+/g, " ").replaceAll("−", "-").trim();
  return text === "–" ? "" : text;
}
