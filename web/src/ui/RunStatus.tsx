import css from "./RunStatus.module.css";

const signs: Record<string, string> = { RUNNING: "▶", SCHEDULED: "◷", FINISHED: "✓", FAILED: "✕", KILLED: "■" };

/** A run's status by sign, word and colour: never by colour alone. */
export function RunStatus({ status, reason }: { status: string; reason?: string }) {
  return <span className={css.status} data-status={status} title={reason}><span aria-hidden="true">{signs[status] ?? "?"}</span> {status.toLowerCase()}</span>;
}
