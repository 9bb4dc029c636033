package io.moetier.runtime.text;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.moetier.runtime.text.SentencePieceModel.Algorithm;
import io.moetier.runtime.text.SentencePieceModel.Kind;
import io.moetier.runtime.text.SentencePieceModel.Marks;
import io.moetier.runtime.text.SentencePieceModel.Normalization;
import io.moetier.runtime.text.SentencePieceModel.Piece;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/// Reads a SentencePiece `tokenizer.model`, as far as a tokenizer needs it.
///
/// Field numbers are those of `sentencepiece_model.proto`; fields of no use here are skipped, and absent ones have that
/// file's defaults.
final class SentencePieceFile {
    private static final int PIECES = 1;
    private static final int TRAINER = 2;
    private static final int NORMALIZER = 3;
    private static final int MODEL_TYPE = 3;
    private static final int BYTE_FALLBACK = 35;
    private static final int UNK_ID = 40;
    private static final int BOS_ID = 41;
    private static final int EOS_ID = 42;
    private static final int CHARSMAP = 2;
    private static final int ADD_DUMMY_PREFIX = 3;
    private static final int REMOVE_EXTRA_WHITESPACES = 4;

    private final List<Piece> pieces = new ArrayList<>();
    private int modelType = 1;
    private boolean byteFallback;
    private int unkId;
    private int bosId = 1;
    private int eosId = 2;
    private byte[] charsmap = {};
    private boolean addDummyPrefix = true;
    private boolean removeExtraWhitespaces = true;
    private final Path source;

    private SentencePieceFile(Path source) {
        this.source = source;
    }

    static SentencePieceModel read(Path path) {
        try {
            SentencePieceFile file = new SentencePieceFile(path);
            file.readModel(CodedInputStream.newInstance(Files.readAllBytes(path)));
            file.check();
            return file.model();
        } catch (NoSuchFileException e) {
            throw new MalformedModelException(path + ": no such file", e);
        } catch (InvalidProtocolBufferException e) {
            throw new MalformedModelException(path + ": not a SentencePiece model: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new MalformedModelException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private SentencePieceModel model() {
        return new SentencePieceModel(
                pieces,
                modelType == 1 ? Algorithm.UNIGRAM : Algorithm.BPE,
                byteFallback,
                new Marks(unkId, bosId, eosId),
                new Normalization(
                        Base64.getEncoder().encodeToString(charsmap), addDummyPrefix, removeExtraWhitespaces));
    }

    private void check() {
        if (modelType != 1 && modelType != 2) {
            throw MalformedModelException.of(
                    source, "trainer_spec.model_type", "1 (unigram) or 2 (BPE)", Integer.toString(modelType));
        }
        if (pieces.isEmpty()) {
            throw MalformedModelException.of(source, "pieces", "a vocabulary", "none");
        }
        checkId("trainer_spec.unk_id", unkId, 0);
        checkId("trainer_spec.bos_id", bosId, -1);
        checkId("trainer_spec.eos_id", eosId, -1);
    }

    private void checkId(String field, int id, int least) {
        if (id < least || id >= pieces.size()) {
            throw MalformedModelException.of(
                    source, field, "an id from " + least + " to " + (pieces.size() - 1), Integer.toString(id));
        }
    }

    private void readModel(CodedInputStream in) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case PIECES -> pieces.add(piece(message(in)));
                case TRAINER -> readTrainer(message(in));
                case NORMALIZER -> readNormalizer(message(in));
                default -> in.skipField(tag);
            }
        }
    }

    private void readTrainer(CodedInputStream in) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case MODEL_TYPE -> modelType = in.readEnum();
                case BYTE_FALLBACK -> byteFallback = in.readBool();
                case UNK_ID -> unkId = in.readInt32();
                case BOS_ID -> bosId = in.readInt32();
                case EOS_ID -> eosId = in.readInt32();
                default -> in.skipField(tag);
            }
        }
    }

    private void readNormalizer(CodedInputStream in) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case CHARSMAP -> charsmap = in.readByteArray();
                case ADD_DUMMY_PREFIX -> addDummyPrefix = in.readBool();
                case REMOVE_EXTRA_WHITESPACES -> removeExtraWhitespaces = in.readBool();
                default -> in.skipField(tag);
            }
        }
    }

    private Piece piece(CodedInputStream in) throws IOException {
        String text = "";
        float score = 0;
        int kind = 1;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> text = in.readStringRequireUtf8();
                case 2 -> score = in.readFloat();
                case 3 -> kind = in.readEnum();
                default -> in.skipField(tag);
            }
        }
        return new Piece(text, score, kindOf(kind));
    }

    private Kind kindOf(int number) {
        return Kind.numbered(number)
                .orElseThrow(() -> MalformedModelException.of(
                        source, "pieces[" + pieces.size() + "].type", "1 to " + Kind.values().length, number));
    }

    private static CodedInputStream message(CodedInputStream in) throws IOException {
        ByteString bytes = in.readBytes();
        return bytes.newCodedInput();
    }
}
