import { type ErrorComponentProps, Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { apiError, connection } from "../api/client.ts";
import { refusal, token } from "../api/session.ts";
import { useStore } from "../store.ts";
import css from "./Layout.module.css";
import { Notices } from "./Notices.tsx";
import { Shortcuts, useShortcuts } from "./Shortcuts.tsx";
import { ThemeButton } from "./ThemeButton.tsx";

export function Layout() {
  useShortcuts();
  return (
    <>
      <a className={css.skip} href="#main">Skip to the content</a>
      <header className={css.bar}>
        <Link to="/" className={css.brand}><img src="assets/icon.svg" alt="" width="24" height="24" />Cairn</Link>
        <nav aria-label="Pages" className={css.nav}>
          <Link to="/" activeOptions={{ exact: true, includeSearch: false }}>Experiments</Link>
          <Link to="/runs" activeOptions={{ exact: true, includeSearch: false }}>Runs</Link>
          <Link to="/models" activeOptions={{ includeSearch: false }}>Models</Link>
          <a href="explorer">GraphQL</a>
        </nav>
        <span className="spring" />
        <Status />
        <Shortcuts />
        <ThemeButton />
      </header>
      <SignIn />
      <Notices />
      <main id="main" className={css.main} tabIndex={-1}><Outlet /></main>
    </>
  );
}

const words = { idle: "", connecting: "connecting…", live: "live", broken: "not live: reconnecting…" };

/** Whether what is shown follows what happens. */
function Status() {
  const state = useStore(connection);
  return <span className={css.status} data-state={state} role="status">{words[state]}</span>;
}

/** Asks for a token once the server does. */
function SignIn() {
  const reason = useStore(refusal);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (reason) field.current?.focus();
  }, [reason]);
  if (!reason) return null;
  return (
    <form
      className={css.signIn}
      aria-label="Sign in"
      onSubmit={(event) => {
        event.preventDefault();
        refusal.set("");
        token.set(field.current?.value.trim() ?? "");
      }}
    >
      <label className="row"><strong>This server asks for a token</strong> <input ref={field} type="password" autoComplete="off" aria-describedby="reason" /></label>
      <button type="submit" className="primary">Sign in</button>
      <p id="reason" className="quiet">{reason}</p>
    </form>
  );
}

export function Missing() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return <div className="empty"><h2>There is no page here</h2><p>Nothing is at <code>{path}</code>. <Link to="/">Experiments</Link> has all there is.</p></div>;
}

export function Broken({ error }: ErrorComponentProps) {
  return <div className="empty" role="alert"><h2>This page failed</h2><p>{apiError(error).message}</p><p><button type="button" onClick={() => location.reload()}>Load it again</button></p></div>;
}
