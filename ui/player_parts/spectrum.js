// Spectrogram: short Fourier transforms of a buffer, log frequency from LOWEST to half the rate, dB as colour;
// over it, lines in Hz that the page asked for (the pitch asked, the pitch measured).

const LOWEST = 55; // Hz
const SIZE = 2048;

function fourier(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
  }
  for (let size = 2; size <= n; size *= 2) {
    const angle = (-2 * Math.PI) / size, half = size / 2;
    for (let k = 0; k < half; k++) {
      const c = Math.cos(angle * k), s = Math.sin(angle * k);
      for (let a = k; a < n; a += size) {
        const b = a + half;
        const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x; im[b] = im[a] - y;
        re[a] += x; im[a] += y;
      }
    }
  }
}

const yOfHz = (hz, top, height) => height * (1 - Math.log(hz / LOWEST) / Math.log(top / LOWEST));

function spectrogram(held, columns = 640, rows = 192) {
  // Float32 [columns × rows] in 0..1 over 70 dB; computed once for a buffer.
  if (held.spectrogram) return held.spectrogram;
  const samples = held.getChannelData(0);
  const size = held.sampleRate > 24000 ? SIZE * 2 : SIZE;
  const window_ = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const top = held.sampleRate / 2;
  const cells = new Float32Array(columns * rows);
  let peak = -200;
  for (let c = 0; c < columns; c++) {
    const centre = Math.floor(((c + 0.5) / columns) * samples.length);
    const re = new Float32Array(size), im = new Float32Array(size);
    for (let i = 0; i < size; i++) re[i] = (samples[centre - size / 2 + i] ?? 0) * window_[i];
    fourier(re, im);
    for (let r = 0; r < rows; r++) {
      const low = (LOWEST * (top / LOWEST) ** (r / rows) * size) / held.sampleRate;
      const high = (LOWEST * (top / LOWEST) ** ((r + 1) / rows) * size) / held.sampleRate;
      let power = 1e-14;
      for (let k = Math.floor(low); k <= Math.max(Math.floor(low), Math.floor(high)) && k < size / 2; k++) {
        power = Math.max(power, re[k] * re[k] + im[k] * im[k]);
      }
      cells[c * rows + r] = 10 * Math.log10(power);
      peak = Math.max(peak, cells[c * rows + r]);
    }
  }
  for (let i = 0; i < cells.length; i++) cells[i] = Math.max(0, 1 + (cells[i] - peak) / 70);
  return (held.spectrogram = { cells, columns, rows, top });
}

function ramp(stops, x) {
  const at = Math.min(x, 0.9999) * (stops.length - 1);
  const i = Math.floor(at), f = at - i;
  return stops[i].map((v, k) => v + (stops[i + 1][k] - v) * f);
}

function drawSpectrum(canvas, held, view, data, colours) {
  const { pen, width, height } = sized(canvas);
  if (!held) return;
  const image = spectrogram(held);
  const stops = colours.dark
    ? [rgb(colours.panel), [92, 40, 52], [196, 84, 44], [246, 178, 84], [255, 244, 214]]
    : [rgb(colours.panel), [244, 206, 140], [222, 130, 60], [156, 52, 44], [48, 22, 30]];
  const shadow = new OffscreenCanvas(image.columns, image.rows);
  const brush = shadow.getContext("2d");
  const pixels = brush.createImageData(image.columns, image.rows);
  for (let c = 0; c < image.columns; c++) {
    for (let r = 0; r < image.rows; r++) {
      const [red, green, blue] = ramp(stops, image.cells[c * image.rows + r] ** 1.6);
      pixels.data.set([red, green, blue, 255], 4 * ((image.rows - 1 - r) * image.columns + c));
    }
  }
  brush.putImageData(pixels, 0, 0);
  const x = xOf(0, view, width);
  pen.drawImage(shadow, x, 0, xOf(held.duration, view, width) - x, height);
  const plated = (words, x, y) => { // on a plate, so that no harmonic runs through it
    const wide = pen.measureText(words).width, ink = pen.fillStyle;
    pen.fillStyle = fade(colours.panel, 0.85);
    pen.beginPath();
    pen.roundRect(x - 4, y - 7, wide + 8, 14, 4);
    pen.fill();
    pen.fillStyle = ink;
    pen.fillText(words, x, y + 0.5);
  };
  pen.textBaseline = "middle";
  pen.font = fontOf(canvas, 11);
  for (const hz of [100, 200, 500, 1000, 2000, 5000, 10000].filter((f) => f < image.top)) {
    pen.fillStyle = colours.ink;
    plated(hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`, 6, yOfHz(hz, image.top, height));
  }
  (data.lines ?? []).forEach((line, i) => {
    pen.strokeStyle = line.colour ? line.colour[colours.dark ? 1 : 0] : colours.accent;
    pen.lineWidth = 2;
    pen.setLineDash(line.dashed ? [6, 4] : []);
    pen.beginPath();
    let drawing = false;
    for (const point of line.points) {
      if (!point || !(point[1] > 0)) drawing = false;
      else {
        const [px, py] = [xOf(point[0], view, width), yOfHz(point[1], image.top, height)];
        if (drawing) pen.lineTo(px, py);
        else pen.moveTo(px, py);
        drawing = true;
      }
    }
    pen.stroke();
    pen.setLineDash([]);
    const words = `${line.dashed ? "┄" : "━"} ${line.label}`;
    pen.font = fontOf(canvas, 12, 600);
    pen.fillStyle = pen.strokeStyle;
    plated(words, width - 10 - pen.measureText(words).width, 14 + 17 * i);
  });
}
