// better-auth as a service for `bin/bench --peers`: its JSON API with the plugin twoFactor, on SQLite, every password
// accepted. BENCH_DATABASE is the file of the database. Usage: node betterauth.mjs serve PORT | seed FILE
import fs from "node:fs";
import http from "node:http";
import Database from "better-sqlite3";
import { betterAuth } from "better-auth";
import { hashPassword, symmetricEncrypt } from "better-auth/crypto";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { twoFactor } from "better-auth/plugins";

const [command, argument] = process.argv.slice(2);
const database = new Database(process.env.BENCH_DATABASE);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = NORMAL");

const options = {
  appName: "bench",
  baseURL: `http://127.0.0.1:${command === "serve" ? argument : 8000}`,
  secret: "a key for measurements only, of at least 50 characters",
  trustedOrigins: ["http://127.0.0.1"],
  database,
  emailAndPassword: { enabled: true, password: { verify: async () => true, hash: hashPassword } },
  plugins: [twoFactor()],
  rateLimit: { enabled: false }, // one client sends all requests
  telemetry: { enabled: false },
  logger: { level: "error" },
};
const auth = betterAuth(options);

function insert(table, row) {
  const names = Object.keys(row).map((name) => `"${name}"`);
  const places = names.map(() => "?");
  database.prepare(`INSERT INTO "${table}" (${names}) VALUES (${places})`).run(...Object.values(row));
}

async function seed(file) {
  await (await getMigrations(options)).runMigrations();
  const { secretConfig } = await auth.$context;
  const password = await hashPassword("a password");
  const people = [];
  for (const [email, secret] of JSON.parse(fs.readFileSync(file, "utf8"))) {
    people.push([email, await symmetricEncrypt({ key: secretConfig, data: secret })]);
  }
  const now = new Date().toISOString();
  database.transaction(() => {
    people.forEach(([email, secret], place) => {
      const id = `user${place}`;
      const dates = { createdAt: now, updatedAt: now };
      insert("user", { id, name: email, email, emailVerified: 1, twoFactorEnabled: 1, ...dates });
      insert("account", { id, accountId: id, providerId: "credential", userId: id, password, ...dates });
      insert("twoFactor", { id, secret, backupCodes: "none", userId: id, verified: 1 });
    });
  })();
  database.close();
}

if (command === "seed") {
  await seed(argument);
  process.exit(0);
}
const server = http.createServer(toNodeHandler(auth));
server.keepAliveTimeout = 30_000;
server.listen(Number(argument), "127.0.0.1");
