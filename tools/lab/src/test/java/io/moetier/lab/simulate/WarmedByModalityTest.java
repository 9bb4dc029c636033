package io.moetier.lab.simulate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.trace.TraceHeader;
import io.moetier.runtime.trace.TraceReader;
import io.moetier.runtime.trace.TraceRecorder;
import io.moetier.runtime.trace.TraceToken;
import io.moetier.storage.model.Modality;
import io.moetier.storage.model.Phase;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WarmedByModalityTest {
    private static final TraceHeader HEADER = TraceHeader.of("m", 4, 1, List.of(0, 1), "");

    @TempDir
    Path directory = Path.of("");

    /// Records the same for each request: images choose 0 in both layers, and text 1, and now and then 2.
    private WarmedByModality apart(int requests, int slots) {
        Path file = directory.resolve("trace.jsonl.gz");
        try (TraceRecorder recorder = new TraceRecorder(file, HEADER)) {
            for (int request = 0; request < requests; request++) {
                for (int position = 0; position < 8; position++) {
                    boolean isImage = position < 4;
                    int expert = isImage ? 0 : position == 7 ? 2 : 1;
                    recorder.record(new TraceToken(
                                    request,
                                    position,
                                    Phase.PREFILL,
                                    new int[][] {{expert}, {expert}},
                                    Optional.empty(),
                                    Optional.empty())
                            .of(isImage ? Modality.IMAGE : Modality.TEXT));
                }
            }
            recorder.finish();
        }
        try (TraceReader reader = TraceReader.open(file)) {
            return WarmedByModality.of(
                    reader, SlotPlan.Sizes.uniform(2, 1), List.of(new SlotPlan("some", List.of(slots))));
        }
    }

    @Test
    void eachKindHasAllSlots() {
        WarmedByModality warmed = apart(3, 2);
        WarmedByModality.Row row = warmed.rows().getFirst();
        assertFalse(warmed.hindsight());
        assertEquals(1, row.image().shareByAll());
        assertEquals(1, row.image().shareByOwn());
        assertEquals(0, row.text().shareByAll());
        assertEquals(0.75, row.text().shareByOwn());
        assertEquals(2, row.changed());
        assertEquals(0.5, row.byAll());
        assertEquals(0.875, row.byOwn());
    }

    @Test
    void whereAllFitsNothingIsBetter() {
        WarmedByModality.Row row = apart(20, 8).rows().getFirst();
        assertEquals(1, row.byAll());
        assertEquals(1, row.byOwn());
        assertEquals(0, row.changed());
    }

    @Test
    void oneRequestIsHindsight() {
        WarmedByModality warmed = apart(1, 2);
        assertTrue(warmed.hindsight());
        assertEquals(0.875, warmed.rows().getFirst().byOwn());
    }
}
