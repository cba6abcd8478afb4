/** The hints drawn over the photograph: each in its color, ringed in black and white so that it is seen on any ground. */

/** @param {HTMLCanvasElement} canvas @param {import("./view.js").View} view @param {import("./marks.js").Marks} marks
 * @param {{visible: boolean, layer: ImageBitmap | null, cross: [number, number] | null}} what */
export function drawMarks(canvas, view, marks, what) {
  if (canvas.width !== view.canvas.width || canvas.height !== view.canvas.height) [canvas.width, canvas.height] = [view.canvas.width, view.canvas.height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!view.open) return;
  const unit = devicePixelRatio;
  if (what.layer) context.drawImage(what.layer, view.left, view.top, view.size[0] * view.scale, view.size[1] * view.scale);
  if (what.visible) marks.list.forEach((mark, i) => drawMark(context, view, mark, i === marks.selected, unit));
  if (what.cross) drawCross(context, view.toCanvas(...what.cross), unit);
}

/** @param {CanvasRenderingContext2D} context @param {import("./view.js").View} view @param {import("./marks.js").Mark} mark @param {boolean} selected @param {number} unit */
function drawMark(context, view, mark, selected, unit) {
  const radius = Math.max(mark.radius * view.scale, (mark.points.length > 1 ? 2 : 5) * unit);
  const points = mark.points.map(([x, y]) => view.toCanvas(x, y));
  const trace = () => {
    context.beginPath();
    if (points.length > 1) points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    else context.arc(points[0][0], points[0][1], radius, 0, 2 * Math.PI);
  };
  context.lineCap = context.lineJoin = "round";
  if (points.length > 1) {
    for (const [color, more] of /** @type {[string, number][]} */ ([["#000", selected ? 6 : 3], ["#fff", selected ? 4 : 1.5], [mark.color, 0]])) {
      trace();
      context.strokeStyle = color;
      // A wide stroke is a thin line on the screen: the photograph under it must be seen.
      context.lineWidth = 4 * unit + more * unit;
      context.stroke();
    }
    return;
  }
  // A large dot is a ring around its color, for the same reason.
  const [[x, y]] = points;
  for (const [color, more, width] of /** @type {[string, number, number][]} */ ([["#000", selected ? 2.5 : 1.5, 1.5], ["#fff", 0, selected ? 3 : 1.5]])) {
    context.beginPath();
    context.arc(x, y, radius + more * unit, 0, 2 * Math.PI);
    context.strokeStyle = color;
    context.lineWidth = width * unit;
    context.stroke();
  }
  context.beginPath();
  context.arc(x, y, Math.min(radius, 5 * unit), 0, 2 * Math.PI);
  context.fillStyle = mark.color;
  context.fill();
}

/** @param {CanvasRenderingContext2D} context @param {[number, number]} at @param {number} unit */
function drawCross(context, [x, y], unit) {
  for (const [color, width] of /** @type {[string, number][]} */ ([["#000", 3], ["#fff", 1]])) {
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * 4 * unit, y + dy * 4 * unit);
      context.lineTo(x + dx * 14 * unit, y + dy * 14 * unit);
    }
    context.strokeStyle = color;
    context.lineWidth = width * unit;
    context.stroke();
  }
}
