package io.moetier.storage.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PoliciesTest {
    @Test
    void everyNameMakesAPolicy() {
        for (String name : Policies.names()) {
            assertNotNull(Policies.of(name, id -> 1).create(new int[] {1, 2}, 1));
            assertNotNull(Policies.of("layer:" + name, id -> 1).create(new int[] {1, 2}, 1));
            assertTrue(Policies.isKnown(name) && Policies.isKnown("layer:" + name));
        }
    }

    @Test
    void anUnknownNameIsAnsweredWithTheKnownOnes() {
        var error = assertThrows(IllegalArgumentException.class, () -> Policies.of("mru"));
        assertFalse(Policies.isKnown("layer:mru"));
        assertEquals("unknown policy 'mru': expected one of " + Policies.describe(), error.getMessage());
    }

    @Test
    void staticNeedsACensus() {
        assertThrows(IllegalArgumentException.class, () -> Policies.of("static"));
        assertThrows(IllegalArgumentException.class, () -> Policies.of("layer:static"));
        assertTrue(Policies.needsCensus("layer:static"));
    }
}
