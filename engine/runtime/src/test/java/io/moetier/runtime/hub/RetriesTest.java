package io.moetier.runtime.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;

class RetriesTest {
    private final List<Duration> pauses = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private final Retries retries = new Retries(pauses::add, notes::add);

    /// Half a minute has passed by then, and more may.
    @Test
    void aHubThatSaysNothingIsToldOfHoweverShortThePause() throws IOException {
        assertEquals("it", retries.run(Retries.FEW, after(new HttpTimeoutException("late"))));
        assertEquals(List.of("hub: nothing; trying again in 1 s"), notes);
        assertEquals(List.of(Duration.ofSeconds(1)), pauses);
    }

    @Test
    void shortPausesAreNotWorthALine() throws IOException {
        assertEquals("it", retries.run(Retries.FEW, after(new IOException("cut"))));
        assertEquals(List.of(), notes);
    }

    private static Retries.Attempt<String> after(IOException failure) {
        Iterator<Boolean> fails = List.of(true, false).iterator();
        return () -> {
            if (fails.next()) {
                throw HubException.passing("hub: nothing", failure);
            }
            return "it";
        };
    }
}
