// Windows that radiologists use, by modality: centre and width in the units of the rescaled values
// (Hounsfield units for CT). The words are on the page, under the same keys.

/** @type {Record<string, Record<string, [number, number]>>} */
const PRESETS = {
  CT: {
    soft_tissue: [40, 400],
    lung: [-600, 1500],
    bone: [480, 2500],
    brain: [40, 80],
    liver: [60, 160],
    mediastinum: [50, 350],
  },
  PT: { pet: [5, 10] },
};

/**
 * @param {string} modality
 * @returns {[string, import("./pixel_values.js").ToneWindow][]}
 */
export function presetsOf(modality) {
  return Object.entries(PRESETS[modality] ?? {}).map(([key, [centre, width]]) => [
    key,
    { centre, width },
  ]);
}
