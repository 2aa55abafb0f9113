import { apiError } from "../api/client.ts";
import { saveFile } from "../ui/save.ts";
import { tell } from "../shell/notice.ts";
import { type Column, expression } from "./columns.ts";
import { type Criteria, eachPage } from "./runlist.ts";

/** A text as a field of CSV. What a spreadsheet would take for a formula is text to it by an apostrophe; numbers stay numbers. */
export function csvField(value: number | string | undefined): string {
  if (value === undefined) return "";
  let text = String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text))) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export async function saveCsv(criteria: Criteria, columns: readonly Column[], name: string): Promise<void> {
  const parts = [["run_id", "run_name", ...columns.map((column) => (column.kind === "attribute" ? column.key : expression(column)))].map(csvField).join(",")];
  try {
    await eachPage(criteria, (rows) => {
      for (const { run, cells } of rows) parts.push([run.runId, run.name, ...columns.map((column) => cells.get(column.id))].map(csvField).join(","));
      return true;
    });
    saveFile(`${parts.join("\r\n")}\r\n`, "text/csv", `${name || "runs"}.csv`);
  } catch (error) {
    tell(apiError(error).message, { bad: true });
  }
}
