// Whether one's microphone and speaker work, before others are there to hear.

const LEVEL_INTERVAL_MS = 100;
const LEVEL_SCALE = 5; // ordinary speech comes to about a half
const TONE_HERTZ = [523.25, 659.25]; // C5 and E5

/**
 * Tells how loud a track is, 0 to 1, about ten times a second.
 * @param {AudioContext} context
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} onLevel
 * @returns {() => void} ends it
 */
export function watchSoundLevel(context, track, onLevel) {
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(soundLevel(samples));
  }, LEVEL_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
  };
}

/**
 * @param {Float32Array} samples -1 to 1
 * @returns {number} the root mean square, scaled for a meter from 0 to 1
 */
export function soundLevel(samples) {
  const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
  return Math.min(1, Math.sqrt(power) * LEVEL_SCALE);
}

/**
 * Plays two soft notes.
 * @param {AudioContext} context
 */
export async function playTestTone(context) {
  await context.resume();
  const gain = context.createGain();
  gain.connect(context.destination);
  gain.gain.setValueAtTime(0, context.currentTime);
  TONE_HERTZ.forEach((hertz, n) => {
    const from = context.currentTime + n * 0.45;
    const oscillator = context.createOscillator();
    oscillator.frequency.value = hertz;
    oscillator.connect(gain);
    gain.gain.setTargetAtTime(0.2, from, 0.03);
    gain.gain.setTargetAtTime(0, from + 0.35, 0.05);
    oscillator.start(from);
    oscillator.stop(from + 0.6);
  });
}
