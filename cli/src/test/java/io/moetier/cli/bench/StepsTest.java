package io.moetier.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StepsTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void theLaterHalfIsSteady() {
        List<Steps.Step> tokens = List.of(
                new Steps.Step(2, 900), new Steps.Step(1, 500), new Steps.Step(0.5, 100), new Steps.Step(0.5, 300));
        Steps steps = new Steps(128, 4, tokens);
        assertEquals(32, steps.promptRate());
        assertEquals(1, steps.rate());
        assertEquals(2, steps.steadyRate());
        assertEquals(400, steps.steadyBytesPerSecond());
    }

    @Test
    void withoutTokensThereIsNoRate() {
        Steps steps = new Steps(1, 1, List.of());
        assertEquals(0, steps.rate());
        assertEquals(0, steps.steadyRate());
        assertEquals(0, steps.steadyBytesPerSecond());
    }

    @Test
    void aTimelineTellsWhatWasLoadedForEachToken() throws IOException {
        Path file = Files.writeString(directory.resolve("timeline.json"), """
                {"traceEvents":[
                {"ph":"M","name":"process_name","pid":1},
                {"name":"expert","ts":1000,"dur":500,"args":{"bytes":7}},
                {"name":"prefill","ts":0,"dur":2000000,"args":{"tokens":4}},
                {"name":"expert","ts":2000100,"dur":100,"args":{"bytes":10}},
                {"name":"expert","ts":2000200,"dur":100,"args":{"bytes":20}},
                {"name":"decode","ts":2000000,"dur":500000,"args":{"tokens":1}},
                {"name":"expert","ts":2490000,"dur":20000,"args":{"bytes":40}},
                {"name":"decode","ts":2500000,"dur":250000,"args":{"tokens":1}}
                ]}
                """);
        assertEquals(
                new Steps(4, 2, List.of(new Steps.Step(0.5, 30), new Steps.Step(0.25, 40))), RaceTimeline.read(file));
    }

    @Test
    void aTimelineOfNothingIsSaid() throws IOException {
        Path file = Files.writeString(directory.resolve("timeline.json"), "{\"traceEvents\":[]}");
        Exception refused = assertThrows(MalformedModelException.class, () -> RaceTimeline.read(file));
        assertEquals(file + ": expected the event of a prompt, found none", refused.getMessage());
    }
}
