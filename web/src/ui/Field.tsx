import { useEffect, useRef, useState } from "react";

const pauseMilliseconds = 300;

/** A search field that tells what was typed once the typing pauses, or at once on Enter. */
export function SearchField({ label, value, onChange, placeholder, className }: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  className?: string | undefined;
}) {
  const [text, setText] = useState(value);
  const told = useRef(value);
  const timer = useRef(0);
  useEffect(() => {
    if (value !== told.current) {
      told.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const tell = (next: string) => {
    clearTimeout(timer.current);
    if (next === told.current) return;
    told.current = next;
    onChange(next);
  };
  return (
    <input
      type="search"
      className={className}
      aria-label={label}
      placeholder={placeholder}
      value={text}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => {
        const next = event.target.value;
        setText(next);
        clearTimeout(timer.current);
        timer.current = window.setTimeout(() => tell(next), pauseMilliseconds);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") tell(text);
      }}
    />
  );
}
