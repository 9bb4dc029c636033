package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cluster.membership.jgroups.Frame.Kind;
import io.moetier.cluster.membership.jgroups.Frame.MalformedException;
import org.junit.jupiter.api.Test;

class FrameTest {
    @Test
    void textsCanBeShown() throws MalformedException {
        assertEquals("é, 字", read("é, 字").text(20));
        for (String text : new String[] {"a\u001b[2J", "a\nb", "\u009b", "\u202e"}) {
            assertThrows(MalformedException.class, () -> read(text).text(20));
        }
    }

    private static Frame read(String text) throws MalformedException {
        byte[] bytes = Frame.of(Kind.RESULT, text);
        return Frame.read(bytes, 0, bytes.length);
    }
}
