import { useState } from "react";

const shown = 300;

/** A text of any length: its beginning, and the rest on demand. */
export function LongText({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  if (text.length <= shown * 1.2 || whole) return text;
  return <>{text.slice(0, shown)}… <button type="button" className="plain" onClick={() => setWhole(true)}>all {text.length.toLocaleString("en-US")} characters</button></>;
}
