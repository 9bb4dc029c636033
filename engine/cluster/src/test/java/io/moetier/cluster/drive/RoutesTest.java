package io.moetier.cluster.drive;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.placement.Placer;
import io.moetier.cluster.placement.PlacerInput;
import io.moetier.storage.model.ExpertId;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RoutesTest {
    private static final int EXPERT = ExpertId.pack(0, 1);
    private static final int OTHER = ExpertId.pack(0, 0);

    private final FakeLink formerLink = new FakeLink();
    private final FakeLink ownerLink = new FakeLink();
    private final NodePort former = formerLink.port("former");
    private final NodePort owner = ownerLink.port("owner");
    private final Routes routes = new Routes(
            Placer.place(new PlacerInput(
                    new int[] {OTHER, EXPERT},
                    new long[] {1, 1},
                    new double[] {1, 1},
                    List.of(member("", 0), member("former", 0), member("owner", 2)),
                    Optional.empty())),
            new @Nullable NodePort[] {null, former, owner});

    private static PlacerInput.Capacity member(String name, long ramBytes) {
        return new PlacerInput.Capacity(name, ramBytes, 1, 1, 0, new int[0]);
    }

    @Test
    void aFormerOwnerIsAskedUntilTheNewOneHasTheExpert() {
        ownerLink.ready.add(OTHER);
        formerLink.ready.add(OTHER);
        assertNull(routes.idlest(0, 1));
        assertFalse(routes.leadsAway(0, 1));
        formerLink.ready.add(EXPERT);
        assertEquals(former, routes.idlest(0, 1));
        assertTrue(routes.leadsAway(0, 1));
        ownerLink.ready.add(EXPERT);
        assertEquals(owner, routes.idlest(0, 1));
        ownerLink.fail("cut");
        assertEquals(former, routes.idlest(0, 1));
        formerLink.fail("cut");
        assertNull(routes.idlest(0, 1));
    }
}
