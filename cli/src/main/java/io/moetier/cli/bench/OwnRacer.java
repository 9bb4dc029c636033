package io.moetier.cli.bench;

import io.moetier.storage.format.Json;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Moetier in a race: the command `run`, as its users type it, with a cache folder of its own.
final class OwnRacer {
    private final Path program;
    private final RacePlan plan;
    private final Path folder;
    private List<Integer> generated = List.of();

    /// @param program that is run
    /// @param folder where it keeps what it imports, and leaves what it prints
    OwnRacer(Path program, RacePlan plan, Path folder) {
        this.program = program;
        this.plan = plan;
        this.folder = folder;
    }

    /// Runs the model by nothing but its name, as whoever has just got it does.
    RaceResult use(String name, LimitedGroup group) throws IOException {
        return run(name, group, List.of(), Optional.empty());
    }

    /// Runs it with these options and looks closely; what was chosen before is not used.
    RaceResult race(String name, List<String> options, LimitedGroup group) throws IOException {
        Path timeline = folder.resolve("timeline.json");
        List<String> more = new ArrayList<>(options);
        more.addAll(List.of("--profile", "none", "--trace-events", timeline.toString()));
        return run(name, group, more, Optional.of(timeline));
    }

    /// Returns the tokens that the last run generated.
    List<Integer> generated() {
        return generated;
    }

    private RaceResult run(String name, LimitedGroup group, List<String> options, Optional<Path> timeline)
            throws IOException {
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command(group, options))
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("MOETIER_CACHE", folder.resolve("cache").toString());
        try (RaceRun run = new RaceRun(group, builder.start(), 4 * plan.patienceSeconds())) {
            int exitCode = run.await();
            if (exitCode != 0) {
                return run.result(name, Optional.empty(), "ended with " + exitCode + ": " + lastLine(err));
            }
            generated = Json.readObject(out).optionalInts("ids").orElse(List.of());
            return run.result(name, timeline.map(RaceTimeline::read), "");
        }
    }

    private List<String> command(LimitedGroup group, List<String> options) {
        List<String> command = new ArrayList<>(group.launcher());
        command.addAll(List.of(program.toString(), "run", plan.model().toString()));
        command.addAll(List.of("--ids-file", plan.idsFile().toString(), "-n", "" + plan.generated()));
        command.addAll(List.of("--threads", "" + plan.threads(), "--temp", "0", "--json"));
        command.addAll(options);
        return command;
    }

    private static String lastLine(Path file) throws IOException {
        String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).strip();
        return text.substring(text.lastIndexOf('\n') + 1);
    }
}
