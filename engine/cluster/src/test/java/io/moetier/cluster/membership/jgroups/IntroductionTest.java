package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Offer.Role;
import io.moetier.storage.model.MalformedModelException;
import org.junit.jupiter.api.Test;

class IntroductionTest {
    @Test
    void whatIsSaidIsRead() throws MalformedModelException {
        Member member = named("é".repeat(100));
        assertEquals(member, Introduction.read(member.id(), Introduction.of(member)));
    }

    /// Placements have members by name, in two hundred bytes.
    @Test
    void whoHasNoNameOrALongerOneIsNotTaken() {
        for (String name : new String[] {"", "n".repeat(201), "é".repeat(101), "a\u001b[0m", "a\nb"}) {
            Member member = named(name);
            assertThrows(
                    MalformedModelException.class, () -> Introduction.read(member.id(), Introduction.of(member)), name);
        }
    }

    private static Member named(String name) {
        return new Member("id", name, "127.0.0.1:7", Cluster.offer(Role.NODE));
    }
}
