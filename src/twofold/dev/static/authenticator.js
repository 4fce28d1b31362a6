// An authenticator for trying things out (RFC 6238). The key stays in this page: it is neither sent nor stored.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HASHES = { SHA1: "SHA-1", SHA256: "SHA-256", SHA512: "SHA-512" };
const find = (id) => document.getElementById(id);
const [form, field, error, shown] = ["authenticator", "key", "key-error", "codes"].map(find);

const bytes = (text) => {
  const bits = [...text].map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2));
};

// Read a pasted key in any grouping, or an address (Key Uri Format). Return nothing for anything else.
const read = (text) => {
  const uri = /^otpauth:/i.test(text) ? new URL(text.replace(/^otpauth:\/\/totp\//i, "https://totp/")) : null;
  const given = (name, otherwise) => uri?.searchParams.get(name) ?? otherwise;
  const secret = given("secret", uri ? "" : text).replace(/[\s=-]/g, "").toUpperCase();
  const hash = HASHES[given("algorithm", "SHA1").toUpperCase()];
  const digits = Number(given("digits", 6));
  const period = Number(given("period", 30));
  const sound = /^[A-Z2-7]{8,}$/.test(secret) && hash && digits >= 6 && digits <= 8 && period >= 1;
  const account = uri ? decodeURIComponent(uri.pathname.slice(1)) : "";
  return uri && uri.host !== "totp" || !sound ? null : { secret: bytes(secret), hash, digits, period, account };
};

const codeAt = async ({ secret, hash, digits }, step) => {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]);
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const number = mac.getUint32(mac.getUint8(mac.byteLength - 1) & 15) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, "0");
};

let ticking = 0;
const run = (entry) => {
  clearInterval(ticking);
  let last = -1;
  const tick = async () => {
    const now = Date.now() / 1000;
    const step = Math.floor(now / entry.period);
    find("left").textContent = Math.ceil((step + 1) * entry.period - now);
    if (step === last) return;
    last = step;
    find("code").textContent = await codeAt(entry, step);
    shown.hidden = false;
  };
  find("account").textContent = entry.account;
  ticking = setInterval(tick, 250);
  return tick();
};

find("needs-script").hidden = true;
form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  let entry = null;
  try { entry = read(field.value.trim()); } catch { /* not a valid address */ }
  error.hidden = Boolean(entry);
  if (entry) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    return run(entry);
  }
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", "key-error");
  shown.hidden = true;
  clearInterval(ticking);
  field.focus();
});
