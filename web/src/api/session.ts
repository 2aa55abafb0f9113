import { createStore } from "../store.ts";

const tokenKey = "cairn.token";

function recall(): string {
  try {
    return sessionStorage.getItem(tokenKey) ?? "";
  } catch {
    return "";
  }
}

/** The token lives as long as the tab, and the explorer has the same: a secret does not belong in storage that stays. */
export const token = createStore(recall());

token.subscribe(() => {
  try {
    sessionStorage.setItem(tokenKey, token.get());
  } catch {
    // Refused: it lives as long as the page.
  }
});

/** Whether the server asked for a token, or refused the one it got; the message says which. */
export const refusal = createStore("");

export function authorization(): Record<string, string> {
  return token.get() ? { Authorization: `Bearer ${token.get()}` } : {};
}
