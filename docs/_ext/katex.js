// Typesets the formulas on standard input, one JSON object a line, and answers each in one line.
const katex = require(process.argv[2]);

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { latex, display } = JSON.parse(line);
    let answer;
    try {
      answer = { html: katex.renderToString(latex, { displayMode: display, strict: "error" }) };
    } catch (error) {
      answer = { error: error.message };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  });
