/**
 * Loads the entries that lie above the recipe, so that recipes can name them: teachers and strategies. Every way into limbeck
 * imports this file, and so does a test that parses recipes.
 */
import "./strategies/strategies.js";
import "./teaching/kinds/all.js";
