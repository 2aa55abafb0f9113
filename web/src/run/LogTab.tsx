import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { type ApiError, follow } from "../api/client.ts";
import { token } from "../api/session.ts";
import { count } from "../format.ts";
import { graphql } from "../gql/index.ts";
import { useStore } from "../store.ts";
import { saveFile } from "../ui/save.ts";
import { LogBuffer, type LogLine } from "./logbuffer.ts";
import css from "./LogTab.module.css";

const RunLogDocument = graphql(`
  subscription RunLog($run: ID!, $after: String) {
    runLogAppended(run: $run, after: $after, maxRate: 10) { cursor chunks { stream text } }
  }
`);

interface Shown {
  lines: readonly LogLine[];
  dropped: number;
  over: boolean;
  problem: ApiError | undefined;
}

function useLog(runId: string): Shown {
  const [shown, setShown] = useState<Shown>({ lines: [], dropped: 0, over: false, problem: undefined });
  const secret = useStore(token);
  useEffect(() => {
    const buffer = new LogBuffer();
    let frame = 0;
    const tell = (part: Partial<Shown>) => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => setShown((before) => ({ ...before, lines: [...buffer.lines], dropped: buffer.dropped, ...part })));
    };
    const unfollow = follow(RunLogDocument, { run: runId }, ({ runLogAppended }) => {
      for (const { stream, text } of runLogAppended.chunks) buffer.add(text, stream === "STDERR");
      tell({});
      return runLogAppended.cursor;
    }, (problem) => tell({ problem }), () => tell({ over: true }));
    return () => {
      unfollow();
      cancelAnimationFrame(frame);
    };
  }, [runId, secret]);
  return shown;
}

/** The console output, as it is written. At its end it follows; scrolled up, it stays. */
export function LogTab({ runId, name }: { runId: string; name: string }) {
  const { lines, dropped, over, problem } = useLog(runId);
  const scroller = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const [text, setText] = useState("");
  const shown = text ? lines.filter((line) => line.text.toLowerCase().includes(text.toLowerCase())) : lines;
  const rows = useVirtualizer({ count: shown.length, getScrollElement: () => scroller.current, estimateSize: () => 19, overscan: 20 });
  useEffect(() => {
    if (following && shown.length > 0) rows.scrollToIndex(shown.length - 1, { align: "end" });
  }, [following, shown.length, rows]);
  return (
    <section className={css.log} aria-label="Console output">
      <div className="row">
        <input type="search" aria-label="Search in the output" placeholder="Search in the output" value={text} onChange={(event) => setText(event.target.value)} />
        <span className="quiet" role="status">{count(shown.length)} lines{dropped > 0 && `, ${count(dropped)} earlier ones left out`}{over && ", complete"}</span>
        <span className="spring" />
        <label className="row"><input type="checkbox" checked={following} onChange={(event) => setFollowing(event.target.checked)} /> follow</label>
        <button type="button" disabled={lines.length === 0} onClick={() => saveFile(lines.map((line) => `${line.text}\n`).join(""), "text/plain", `${name}.log`)}>Save</button>
      </div>
      {problem && <p className="problem" role="alert">{problem.message}</p>}
      <div
        ref={scroller}
        className={css.lines}
        tabIndex={0}
        role="region"
        aria-label="Lines"
        onScroll={(event) => {
          const element = event.currentTarget;
          setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < 40);
        }}
      >
        <div style={{ height: rows.getTotalSize() }} className={css.inner}>
          {rows.getVirtualItems().map((item) => (
            <div key={item.key} className={css.line} data-error={shown[item.index]?.error || undefined} style={{ transform: `translateY(${item.start}px)` }}>{shown[item.index]?.text}</div>
          ))}
        </div>
        {lines.length === 0 && <p className="quiet">{over ? "This run has no console output." : "No console output yet."}</p>}
      </div>
    </section>
  );
}
