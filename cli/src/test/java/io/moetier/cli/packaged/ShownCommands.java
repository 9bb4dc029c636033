package io.moetier.cli.packaged;

import io.moetier.cli.CommandLineRun;
import io.moetier.cli.CommandWorker;
import io.moetier.cli.QuickJvm;
import io.moetier.testdata.ChildProcess;
import io.moetier.testdata.ChildProcess.Ended;
import io.moetier.testdata.HubDouble;
import java.io.IOException;
import java.io.Writer;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Runs commands that documents show, in one directory, as their reader types them.
///
/// The launcher starts the first command of Moetier, and each that is more than words, is measured or asks the hub. The
/// others, which would take longer to start than to end, share one JVM in that directory; a shell parts their words.
/// What is shown with `&` behind it goes on until all commands of its document have been run. If that is a node,
/// it takes any port instead of the usual one, where a node of this machine's user may be, and commands that look
/// for its cluster look there.
final class ShownCommands implements AutoCloseable {
    /// What computes with Java's vectors needs the JVM's optimising compiler.
    private static final Pattern OPTIMISED = Pattern.compile("--kernels vector");

    /// What is measured is so by itself, as it is for readers.
    private static final Pattern MEASURED = Pattern.compile("doctor|moetier profile \\S*models");
    private static final Pattern MOETIER = Pattern.compile("\\./moetier (.*)");
    private static final Pattern OF_HUB = Pattern.compile("hf:|moetier (pull|list|rm)\\b");

    /// What the JVM leaves where the name of its process says, and nobody else removes.
    private static final Pattern LEAVES_MAP = Pattern.compile("DumpPerfMapAtExit");

    private static final Pattern STAYS = Pattern.compile("(.*) &");
    private static final Pattern NODE = Pattern.compile("\\./moetier node .*");
    private static final Pattern NODE_IS_THERE = Pattern.compile("node \\S+ of cluster (\\S+) at (\\S+): .*\\R");
    private static final Pattern OF_CLUSTER = Pattern.compile(".* --cluster (\\S+).*");
    private static final int POLL_MILLIS = 20;
    private static final long PATIENCE_SECONDS = 120; // on a machine that is busy with other things
    private static final Pattern MORE_THAN_WORDS = Pattern.compile("[|&;<>$`()*?]");

    private final Path directory;
    private final Path cache;
    private final HubDouble hub;
    private final List<ChildProcess> staying = new ArrayList<>();
    private final Map<String, String> places = new HashMap<>(); // of nodes, by cluster
    private boolean launched;
    private @Nullable ChildProcess worker;

    ShownCommands(Path directory, Path cache, HubDouble hub) {
        this.directory = directory;
        this.cache = cache;
        this.hub = hub;
    }

    Ended run(String shown) throws IOException, InterruptedException {
        Matcher stays = STAYS.matcher(shown);
        String command = joining(stays.matches() ? anywhere(stays.group(1)) : shown);
        boolean quick = !OPTIMISED.matcher(command).find();
        boolean ofMoetier = MOETIER.matcher(command).matches();
        boolean ofHub = OF_HUB.matcher(command).find();
        if (!stays.matches()
                && ofMoetier
                && launched
                && quick
                && !MEASURED.matcher(command).find()
                && !ofHub
                && !MORE_THAN_WORDS.matcher(command).find()) {
            return work(words(command));
        }
        launched |= ofMoetier;
        if (stays.matches()) {
            return begin(launcher("exec " + command, quick));
        }
        String whole = LEAVES_MAP.matcher(command).find() ? command + " & wait $! && rm /tmp/perf-$!.map" : command;
        return ChildProcess.run(launcher(whole, quick));
    }

    private static String anywhere(String command) {
        return NODE.matcher(command).matches() ? command + " --port 0" : command;
    }

    private String joining(String command) {
        Matcher of = OF_CLUSTER.matcher(command);
        String place = of.matches() ? places.get(of.group(1)) : null;
        return place == null ? command : command + " --join " + place;
    }

    /// Starts a command that goes on, and returns when it has printed that it is ready, or has ended.
    private Ended begin(ProcessBuilder builder) throws IOException, InterruptedException {
        Path out = Files.createTempFile(directory, "out", "");
        Path err = Files.createTempFile(directory, "err", "");
        ChildProcess child =
                ChildProcess.start(builder.redirectOutput(out.toFile()).redirectError(err.toFile()));
        staying.add(child);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!Files.readString(out).contains("\n") && child.process().isAlive()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("has not said that it is ready: " + Files.readString(err));
            }
            Thread.sleep(POLL_MILLIS);
        }
        Matcher node = NODE_IS_THERE.matcher(Files.readString(out));
        if (node.lookingAt()) {
            places.put(node.group(1), node.group(2));
        }
        return new Ended(child.process().isAlive() ? 0 : child.waitFor(), Files.readString(err));
    }

    private ProcessBuilder launcher(String command, boolean quick) {
        ProcessBuilder builder = shell(command);
        builder.environment().put("MOETIER_CACHE", cache.toString());
        builder.environment()
                .put("XDG_STATE_HOME", home().resolve(".local/state").toString());
        builder.environment()
                .keySet()
                .removeIf(name ->
                        name.startsWith("HF_") || name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
        builder.environment().put("HF_ENDPOINT", hub.endpoint().toString());
        builder.environment().put("HF_HOME", cache.resolve("huggingface").toString());
        if (quick) {
            builder.environment().put("MOETIER_JAVA_OPTS", String.join(" ", QuickJvm.OPTIONS));
        }
        return builder;
    }

    /// What commands keep in their user's home, such as secrets of clusters, is none of this user's.
    private Path home() {
        return cache.resolve("home");
    }

    private ProcessBuilder shell(String command) {
        return new ProcessBuilder("sh", "-c", command).directory(directory.toFile());
    }

    /// Returns the words behind the name of the program as the shell sees them.
    private List<String> words(String command) throws IOException, InterruptedException {
        String print = MOETIER.matcher(command).replaceFirst("printf '%s\\\\n' $1");
        return ChildProcess.run(shell(print)).said().lines().toList();
    }

    private Ended work(List<String> words) throws IOException {
        List<String> texts = new ArrayList<>(List.of("")); // nothing on standard input
        texts.addAll(words);
        Process process = worker().process();
        Writer requests = process.outputWriter(StandardCharsets.US_ASCII);
        requests.write(CommandWorker.encode(texts.toArray(String[]::new)) + "\n");
        requests.flush();
        String answer = process.inputReader(StandardCharsets.US_ASCII).readLine();
        if (answer == null) {
            throw new AssertionError("ended the process: " + words);
        }
        String[] fields = CommandWorker.decode(answer);
        return new Ended(Integer.parseInt(fields[0]), fields[1] + fields[2]);
    }

    private ChildProcess worker() throws IOException {
        ChildProcess present = worker;
        if (present == null) {
            List<String> command = CommandLineRun.command(QuickJvm.OPTIONS, CommandWorker.class);
            command.addAll(List.of(home().toString(), cache.toString()));
            present = ChildProcess.start(
                    new ProcessBuilder(command).directory(directory.toFile()).redirectError(Redirect.DISCARD));
            worker = present;
        }
        return present;
    }

    /// Ends what goes on.
    void endDocument() {
        staying.forEach(ChildProcess::close);
        staying.clear();
        places.clear();
    }

    @Override
    public void close() {
        endDocument();
        if (worker != null) {
            worker.close();
        }
    }
}
