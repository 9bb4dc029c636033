package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import org.jgroups.Address;
import org.jgroups.ObjectMessage;
import org.jgroups.View;
import org.jgroups.util.ByteArrayDataInputStream;
import org.jgroups.util.ByteArrayDataOutputStream;
import org.jgroups.util.Digest;
import org.jgroups.util.MutableDigest;
import org.jgroups.util.SeqnoList;
import org.jgroups.util.SizeStreamable;
import org.jgroups.util.UUID;
import org.junit.jupiter.api.Test;

class PlainMessagesTest {
    private static final Address MEMBER = new UUID(1, 2);

    /// Who does not read one of these closes the connection, in the middle of which the rest of the message is.
    @Test
    void whatProtocolsTellEachOtherIsRead() throws Exception {
        Digest digest = new Digest(MEMBER, 4, 5);
        assertEquals(digest, read(digest));
        assertEquals(digest, read(new MutableDigest(digest)));
        SeqnoList seqnos = new SeqnoList(4, 6).add(7, 9);
        assertEquals(seqnos.toString(), read(seqnos).toString());
    }

    @Test
    void objectsOfOtherClassesAreRefused() {
        View view = View.create(MEMBER, 1, MEMBER);
        assertThrows(IOException.class, () -> read(view));
    }

    private static SizeStreamable read(SizeStreamable sent) throws Exception {
        ByteArrayDataOutputStream out = new ByteArrayDataOutputStream(512);
        new ObjectMessage(null, sent).writePayload(out);
        PlainMessages.Objects received = new PlainMessages.Objects();
        received.readPayload(new ByteArrayDataInputStream(out.buffer(), 0, out.position()));
        return received.getObject();
    }
}
