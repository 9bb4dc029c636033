package io.moetier.cli.hostile;

import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.List;

/// Command lines that are mistyped, contradict themselves or ask for the impossible, and prompts of every kind.
final class CommandLineInputs {
    private static final String MODEL =
            TestData.golden("mixtral").toAbsolutePath().toString();
    private static final List<String> COMMANDS = List.of(
            "run",
            "import",
            "families",
            "inspect",
            "verify",
            "logits",
            "explain",
            "trace",
            "tune",
            "bench",
            "perplexity",
            "doctor");
    private static final List<String> NUMBERS = List.of(
            "--temp",
            "--top-k",
            "--top-p",
            "--min-p",
            "--repeat-penalty",
            "--repeat-last-n",
            "-s",
            "-n",
            "--ctx",
            "--threads",
            "--ram",
            "--experts",
            "--top-p-experts");

    private final InputFolder folder;

    private CommandLineInputs(InputFolder folder) {
        this.folder = folder;
    }

    static List<HostileInput> in(Path path) {
        CommandLineInputs inputs = new CommandLineInputs(new InputFolder(path));
        inputs.addAll();
        return inputs.folder.inputs();
    }

    private void addAll() {
        folder.add("nothing");
        folder.add("version", "--version");
        for (String command : COMMANDS) {
            folder.add("help-" + command, command, "--help");
            folder.add("unknown-option-" + command, command, "--no-such-option", "\u001b[31m");
            folder.add("missing-file-" + command, command, "no/such/file");
        }
        for (String option : NUMBERS) {
            for (String value : List.of("", "x", "-7", "1e999", "nan", "99999999999999999999", "0x10", "\u001b[31m")) {
                folder.add(
                        option + "=" + value.replace("\u001b", "esc"),
                        "run",
                        MODEL,
                        "--ids",
                        "1,2",
                        "--profile",
                        "none",
                        "--threads=1",
                        option,
                        value);
            }
        }
        choices();
        prompts();
        places();
    }

    private void choices() {
        for (String option : List.of(
                "--policy", "--device", "--io", "--kernels", "--kv", "--prefetch", "--misses", "--activations")) {
            folder.add(option + "-unknown", "run", MODEL, "--ids", "1", "-n", "1", option, "evil\u001b[31m");
            folder.add(option + "-nothing", "run", MODEL, "--ids", "1", "-n", "1", option);
        }
        folder.add("ram-small", "run", MODEL, "--ids", "1", "-n", "1", "--ram", "1K");
        folder.add("ram-huge", "run", MODEL, "--ids", "1", "-n", "1", "--ram", "9999T");
        folder.add("ctx-huge", "run", MODEL, "--ids", "1", "-n", "1", "--ctx", "2147483647");
        folder.add("two-prompts", "run", MODEL, "--ids", "1", "Once");
        folder.add("twice", "run", MODEL, "--ids", "1", "--ids", "2");
        folder.add("json-and-stats", "run", MODEL, "--ids", "1", "--json", "--stats");
        folder.add("profile-path", "run", MODEL, "--ids", "1", "-n", "1", "--profile", "../../x");
        folder.add("out-exists", "import", MODEL, "--out", MODEL);
        folder.add("enlarging", "import", MODEL, "--out", "{work}/x.mtier", "--quant", "evil");
        folder.add("command-typo", "rnu", MODEL);
    }

    private void prompts() {
        String text = TextModel.in(folder, "text").toString();
        String[] run = {"run", text, "-n", "2", "--temp", "0", "--profile", "none"};
        List<String> prompts = List.of(
                "", "a", "\ud83d\ude00", "\ud83d", "e\u0301", "\u0000", "\u001b[2J", "\u202eabc", "</s><s>", " ");
        for (int i = 0; i < prompts.size(); i++) {
            folder.addWithStandardInput("stdin-" + i, prompts.get(i), run);
        }
        folder.add("prompt-folder", "run", text, "-n", "1", "-f", text);
        folder.add(
                "prompt-bytes",
                "run",
                text,
                "-n",
                "1",
                "-f",
                folder.file("bad.txt", new byte[] {(byte) 0xff, 0}).toString());
        folder.add("stop", "run", text, "-n", "1", "--stop", "", "Hi");
        folder.add("chat-without-template", "run", text, "-n", "1", "--chat", "Hi");
    }

    private void places() {
        folder.add("model-empty", "run", "", "--ids", "1");
        folder.add("model-folder", "run", "{work}", "--ids", "1");
        folder.add("model-device", "inspect", "/dev/null");
        folder.add("model-escape", "inspect", "no\u001b[31m\u009bsuch");
        folder.add("model-long", "inspect", "x".repeat(5_000));
        folder.add("out-missing", "import", MODEL, "--out", "{work}/no/such/x.mtier");
        folder.add("report-missing", "explain", MODEL, "--ids", "1,2", "--report", "{work}/no/x.html");
        folder.add(
                "trace-missing", "trace", "record", MODEL, "--ids", "1,2", "-n", "2", "--out", "{work}/no/x.jsonl.gz");
        folder.add("events-missing", "run", MODEL, "--ids", "1,2", "-n", "2", "--trace-events", "{work}/no/x.json");
        folder.add("logits-missing", "logits", MODEL, "--ids", "1,2", "--out", "{work}/no/x.safetensors");
    }
}
