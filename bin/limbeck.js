#!/usr/bin/env node
import { catchSignals } from "../dist/cli/interrupt.js";

// Before the rest is loaded, which takes a moment.
catchSignals();
const { main } = await import("../dist/cli/main.js");
await main(process.argv.slice(2));
