// Draws the lines of a live chart on a canvas: the state of the widget is all it knows.

const COLOURS = ["#3b6fd4", "#d4572f", "#2f9e64", "#9a55c7", "#b88a12", "#1b9fb3", "#c8457e", "#6b7280"];
const LEFT = 64, RIGHT = 12, TOP = 10, BOTTOM = 24;

const numbers = (view) => new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

const text = (value) => {
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e6 || size < 1e-3) ? value.toExponential(2) : String(Number(value.toPrecision(5)));
};

/** The least and the greatest number of some columns, as a range that is not empty. */
const range = (columns) => {
  let low = Infinity, high = -Infinity;
  for (const column of columns) {
    for (const value of column) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
};

const draw = (canvas, lines, colour) => {
  const ratio = globalThis.devicePixelRatio || 1;
  const width = canvas.clientWidth || 600, height = canvas.clientHeight;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const [from, to] = range(lines.map((line) => line.steps));
  const [low, high] = range(lines.flatMap((line) => [line.low, line.high]));
  const x = (step) => LEFT + ((step - from) / (to - from)) * (width - LEFT - RIGHT);
  const y = (value) => TOP + ((high - value) / (high - low)) * (height - TOP - BOTTOM);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = context.strokeStyle = colour;
  context.globalAlpha = 0.2;
  for (let i = 0; i <= 4; i++) {
    const at = y(low + ((high - low) * i) / 4);
    context.beginPath();
    context.moveTo(LEFT, at);
    context.lineTo(width - RIGHT, at);
    context.stroke();
  }
  context.globalAlpha = 0.8;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let i = 0; i <= 4; i++) {
    const value = low + ((high - low) * i) / 4;
    context.fillText(text(value), LEFT - 6, y(value));
  }
  context.textBaseline = "bottom";
  for (const [step, align] of [[from, "left"], [(from + to) / 2, "center"], [to, "right"]]) {
    context.textAlign = align;
    context.fillText(text(step), x(step), height - 4);
  }
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  lines.forEach((line, i) => {
    context.strokeStyle = COLOURS[i % COLOURS.length];
    context.beginPath();
    let drawn = false;
    line.steps.forEach((step, row) => {
      for (const value of line.low[row] === line.high[row] ? [line.low[row]] : [line.low[row], line.high[row]]) {
        if (!Number.isFinite(value)) {
          drawn = false;
          continue;
        }
        if (drawn) context.lineTo(x(step), y(value));
        else context.moveTo(x(step), y(value));
        drawn = true;
      }
    });
    context.stroke();
  });
};

const render = ({ model, el }) => {
  const canvas = document.createElement("canvas");
  canvas.style.cssText = `width:100%;height:${model.get("height")}px;display:block`;
  canvas.setAttribute("role", "img");
  const legend = document.createElement("div");
  legend.style.cssText = "font:12px system-ui,sans-serif;display:flex;flex-wrap:wrap;gap:4px 14px;padding:2px 4px";
  el.append(canvas, legend);
  const show = () => {
    const lines = model.get("series").map((one) => ({
      name: one.name, steps: numbers(one.steps), low: numbers(one.low), high: numbers(one.high),
    }));
    draw(canvas, lines, getComputedStyle(el).color);
    legend.replaceChildren(...lines.map((line, i) => {
      const entry = document.createElement("span");
      const sign = document.createElement("span");
      sign.textContent = "● ";
      sign.style.color = COLOURS[i % COLOURS.length];
      entry.append(sign, line.name);
      return entry;
    }), Object.assign(document.createElement("span"), { textContent: `${model.get("label")}: ${model.get("status")}` }));
    canvas.setAttribute("aria-label", `${lines.map((line) => line.name).join(", ")} by step`);
  };
  const events = ["change:series", "change:status"];
  for (const event of events) model.on(event, show);
  const resized = new ResizeObserver(show);
  resized.observe(el);
  show();
  return () => {
    for (const event of events) model.off(event, show);
    resized.disconnect();
  };
};

export default { render };
