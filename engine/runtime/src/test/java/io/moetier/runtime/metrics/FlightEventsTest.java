package io.moetier.runtime.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.Phase;
import io.moetier.storage.model.Tier;
import io.moetier.testdata.WarmCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlightEventsTest {
    @Test
    void aRecordingHoldsEveryEvent(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("events.jfr");
        try (Recording recording = new Recording()) {
            for (String name : new String[] {"ExpertLoad", "ExpertEviction", "LayerStep", "Prefill", "Decode"}) {
                recording.enable("moetier." + name);
            }
            recording.start();
            callAll(1_000_000);
            recording.stop();
            recording.dump(file);
        }
        Map<String, RecordedEvent> events = RecordingFile.readAllEvents(file).stream()
                .filter(e -> e.getEventType().getName().startsWith("moetier."))
                .collect(Collectors.toMap(e -> e.getEventType().getName(), Function.identity()));
        assertEquals(5, events.size(), () -> "recorded " + events.keySet());
        RecordedEvent load = event(events, "moetier.ExpertLoad");
        assertEquals(3, load.getInt("layer"));
        assertEquals(17, load.getInt("expert"));
        assertEquals("disk", load.getString("tier"));
        assertEquals(4096, load.getLong("bytes"));
        assertEquals(900, load.getDuration("loadNanos").toNanos());
        assertEquals(250, load.getDuration("waitNanos").toNanos());
        assertEquals(18, event(events, "moetier.ExpertEviction").getInt("expert"));
        assertEquals("decode", event(events, "moetier.LayerStep").getString("phase"));
        assertEquals(5, event(events, "moetier.Prefill").getInt("tokens"));
        assertEquals(11, event(events, "moetier.Decode").getInt("position"));
        assertTrue(event(events, "moetier.Decode").getDuration().toNanos() > 0);
    }

    @Test
    void nothingIsAllocatedWhileNobodyRecords() {
        assertNull(FlightEvents.startDecode(1));
        long allocated = WarmCode.allocated(0, () -> {
            for (int i = 0; i < 1000; i++) {
                callAll(0);
            }
        });
        assertEquals(0, allocated);
    }

    /// @param nanos that the spans last at least
    private static void callAll(long nanos) {
        PrefillEvent prefill = FlightEvents.startPrefill(5);
        DecodeEvent decode = FlightEvents.startDecode(11);
        LayerStepEvent layer = FlightEvents.startLayerStep(3, Phase.DECODE, 1);
        FlightEvents.expertLoad(3, 17, Tier.DISK, 4096, 900, 250);
        FlightEvents.expertEviction(3, 18);
        for (long begin = System.nanoTime(); System.nanoTime() - begin < nanos; ) {
            Thread.onSpinWait();
        }
        FlightEvents.finish(layer);
        FlightEvents.finish(decode);
        FlightEvents.finish(prefill);
    }

    private static RecordedEvent event(Map<String, RecordedEvent> events, String name) {
        return Objects.requireNonNull(events.get(name), name);
    }
}
