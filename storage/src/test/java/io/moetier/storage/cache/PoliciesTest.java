package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class PoliciesTest {
    @Test
    void everyNameMakesAPolicy() {
        for (String name : Policies.names()) {
            assertNotNull(Policies.of(name, id -> 1).create(new int[] {1, 2}, 1));
        }
    }

    @Test
    void anUnknownNameIsAnsweredWithTheKnownOnes() {
        var error = assertThrows(IllegalArgumentException.class, () -> Policies.of("mru"));
        assertEquals("unknown policy 'mru': expected one of lru, lfu, tinylfu, static", error.getMessage());
    }

    @Test
    void staticNeedsACensus() {
        assertThrows(IllegalArgumentException.class, () -> Policies.of("static"));
    }
}
