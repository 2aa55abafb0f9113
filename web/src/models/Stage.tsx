import css from "./Models.module.css";

const signs: Record<string, string> = { Production: "●", Staging: "◐", Archived: "▫", None: "○" };

/** A stage by sign, word and colour. */
export function Stage({ stage, text = stage }: { stage: string; text?: string }) {
  return <span className={css.stage} data-stage={stage}><span aria-hidden="true">{signs[stage] ?? "○"}</span> {text}</span>;
}
