import { useStore } from "../store.ts";
import css from "./Notices.module.css";
import { dismiss, notices } from "./notice.ts";

export function Notices() {
  const all = useStore(notices);
  return (
    <div className={css.list} role="status" aria-label="Notices">
      {all.map((notice) => (
        <div key={notice.id} className={css.notice} data-bad={notice.bad}>
          <span>{notice.text}</span>
          {notice.undo && (
            <button
              type="button"
              onClick={() => {
                dismiss(notice.id);
                notice.undo?.();
              }}
            >
              Undo
            </button>
          )}
          <button type="button" className="plain" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>✕</button>
        </div>
      ))}
    </div>
  );
}
