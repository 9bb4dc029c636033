package io.moetier.cluster.membership.jgroups;

import java.io.DataInput;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jgroups.BytesMessage;
import org.jgroups.Message;
import org.jgroups.MessageFactory;
import org.jgroups.ObjectMessage;
import org.jgroups.conf.ClassConfigurator;
import org.jgroups.util.Digest;
import org.jgroups.util.MutableDigest;
import org.jgroups.util.SeqnoList;
import org.jgroups.util.SizeStreamable;

/// Takes from JGroups what makes objects of bytes: what members send is bytes, and what JGroups' protocols send each
/// other is three classes of its own. As JGroups would have it, a message can name any class, or hold a serialized
/// object.
///
/// It holds for all of this process, as JGroups keeps it in a field of its own.
final class PlainMessages extends MessageFactory {
    private static final Map<Short, Supplier<SizeStreamable>> OBJECTS = Map.of(
            ClassConfigurator.getMagicNumber(Digest.class), Digest::new,
            ClassConfigurator.getMagicNumber(MutableDigest.class), MutableDigest::new,
            ClassConfigurator.getMagicNumber(SeqnoList.class), SeqnoList::new);

    private PlainMessages() {}

    static synchronized void establish() {
        creators[Message.BYTES_MSG] = Bytes::new;
        creators[Message.OBJ_MSG] = Objects::new;
    }

    /// Bytes that stay bytes.
    static final class Bytes extends BytesMessage {
        @Override
        public Supplier<Message> create() {
            return Bytes::new;
        }

        @Override
        @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // callers take it for a BytesMessage
        protected <T extends BytesMessage> T createMessage() {
            return (T) new Bytes();
        }

        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // it is JGroups' signature
        public <T> T getObject(ClassLoader loader) {
            throw new UnsupportedOperationException("no objects are made of bytes");
        }
    }

    /// What the protocols that repeat lost messages tell each other.
    static final class Objects extends ObjectMessage {
        @Override
        public Supplier<Message> create() {
            return Objects::new;
        }

        @Override
        public void readPayload(DataInput in) throws IOException, ClassNotFoundException {
            if (in.readByte() == 0) {
                return;
            }
            SizeStreamable object = Optional.ofNullable(OBJECTS.get(in.readShort()))
                    .orElseThrow(() -> new IOException("no objects of other classes"))
                    .get();
            object.readFrom(in);
            setObject(object);
        }
    }
}
