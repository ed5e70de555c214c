// Measurements on a frame. Points are in pixels of the image: the centre of the first pixel is at
// (0.5, 0.5).

/** @typedef {{ x: number, y: number }} Point */
/**
 * Millimetres from row to row and from column to column; null where the file does not say.
 * @typedef {{ row: number, column: number } | null} Spacing
 */
/** @typedef {"length" | "angle" | "ellipse" | "probe"} ShapeKind */
/** @typedef {{ kind: ShapeKind, points: Point[] }} Shape */
/** @typedef {{ kind: ShapeKind, value: number, deviation?: number, area?: number,
 *   isMillimetres: boolean }} Measurement */

/** How many points each shape needs. */
export const POINTS_NEEDED = { length: 2, angle: 3, ellipse: 2, probe: 1 };

/**
 * @param {Point} from
 * @param {Point} to
 * @param {Spacing} spacing
 */
export function lengthBetween(from, to, spacing) {
  const { row, column } = spacing ?? { row: 1, column: 1 };
  return Math.hypot((to.x - from.x) * column, (to.y - from.y) * row);
}

/**
 * The angle at the second of three points, in degrees from 0 to 180.
 * @param {Point} first
 * @param {Point} corner
 * @param {Point} last
 * @param {Spacing} spacing
 */
export function angleAt(first, corner, last, spacing) {
  const { row, column } = spacing ?? { row: 1, column: 1 };
  const [ax, ay] = [(first.x - corner.x) * column, (first.y - corner.y) * row];
  const [bx, by] = [(last.x - corner.x) * column, (last.y - corner.y) * row];
  const angle = Math.abs(Math.atan2(ay, ax) - Math.atan2(by, bx)) * (180 / Math.PI);
  return angle > 180 ? 360 - angle : angle;
}

/**
 * Mean, standard deviation and area of the pixels whose centres lie in the ellipse that fits
 * between two corners.
 * @param {Point} from
 * @param {Point} to
 * @param {{ rows: number, columns: number, valueAt: (column: number, row: number) => number }} frame
 * @param {Spacing} spacing
 */
export function ellipseStatistics(from, to, frame, spacing) {
  const [centreX, centreY] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  const [radiusX, radiusY] = [Math.abs(to.x - from.x) / 2, Math.abs(to.y - from.y) / 2];
  let [count, mean, squares] = [0, 0, 0];
  const firstRow = Math.max(Math.floor(centreY - radiusY), 0);
  const lastRow = Math.min(Math.ceil(centreY + radiusY), frame.rows - 1);
  const firstColumn = Math.max(Math.floor(centreX - radiusX), 0);
  const lastColumn = Math.min(Math.ceil(centreX + radiusX), frame.columns - 1);
  for (let row = firstRow; row <= lastRow; row += 1) {
    for (let column = firstColumn; column <= lastColumn; column += 1) {
      const x = (column + 0.5 - centreX) / (radiusX || 1e-9);
      const y = (row + 0.5 - centreY) / (radiusY || 1e-9);
      if (x * x + y * y > 1) continue;
      const value = frame.valueAt(column, row);
      count += 1;
      const step = value - mean; // Welford: exact for large values
      mean += step / count;
      squares += step * (value - mean);
    }
  }
  const { row, column } = spacing ?? { row: 1, column: 1 };
  return {
    count,
    mean,
    deviation: count ? Math.sqrt(squares / count) : 0,
    area: Math.PI * radiusX * column * radiusY * row,
  };
}

/**
 * @param {Shape} shape a complete one
 * @param {{ rows: number, columns: number, valueAt: (column: number, row: number) => number }} frame
 * @param {Spacing} spacing
 * @returns {Measurement}
 */
export function measureShape({ kind, points }, frame, spacing) {
  const isMillimetres = spacing !== null;
  if (kind === "length") {
    return { kind, value: lengthBetween(points[0], points[1], spacing), isMillimetres };
  }
  if (kind === "angle") {
    return { kind, value: angleAt(points[0], points[1], points[2], spacing), isMillimetres };
  }
  if (kind === "ellipse") {
    const { mean, deviation, area } = ellipseStatistics(points[0], points[1], frame, spacing);
    return { kind, value: mean, deviation, area, isMillimetres };
  }
  const column = Math.min(Math.max(Math.floor(points[0].x), 0), frame.columns - 1);
  const row = Math.min(Math.max(Math.floor(points[0].y), 0), frame.rows - 1);
  return { kind, value: frame.valueAt(column, row), isMillimetres };
}
