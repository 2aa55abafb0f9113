import { createStore } from "../store.ts";

export interface Notice {
  id: number;
  text: string;
  bad?: boolean;
  /** What can be taken back. */
  undo?: () => void;
}

export const notices = createStore<readonly Notice[]>([]);

const shownMilliseconds = 12_000;
let last = 0;

export function dismiss(id: number): void {
  notices.set(notices.get().filter((notice) => notice.id !== id));
}

/** Says something at the bottom of the page for a while. */
export function tell(text: string, more: { bad?: boolean; undo?: () => void } = {}): void {
  const id = ++last;
  notices.set([...notices.get().slice(-3), { id, text, ...more }]);
  setTimeout(() => dismiss(id), shownMilliseconds);
}
