package io.moetier.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import io.moetier.AnswerSettings;
import io.moetier.Message;
import io.moetier.MoetierException;
import io.moetier.Sampling;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Requests in the words of Moetier.
///
/// @param modelName what the model calls itself
/// @param settings what parameters do not say
record Requests(String modelName, AnswerSettings settings) {
    /// @throws UnsupportedFeatureException if the request asks for what Moetier has not
    /// @throws InvalidRequestException if a parameter is out of range
    Question question(ChatRequest request) {
        AnswerSettings asked = settings(request.parameters());
        List<Message> messages =
                request.messages().stream().map(Requests::message).toList();
        Message last = messages.getLast();
        if (!last.role().equals("user")) {
            throw unsupported("requests that end with another message than the user's");
        }
        return new Question(messages.subList(0, messages.size() - 1), last.content(), asked);
    }

    /// Returns how answers to requests with these parameters are drawn and end.
    ///
    /// @throws UnsupportedFeatureException if Moetier has not what one asks for
    /// @throws InvalidRequestException if one is out of range
    AnswerSettings settings(ChatRequestParameters parameters) {
        check(parameters);
        try {
            return read(parameters);
        } catch (MoetierException.NotPossible e) {
            throw new InvalidRequestException(e);
        }
    }

    private void check(ChatRequestParameters parameters) {
        String name = parameters.modelName();
        refuse(name != null && !name.equals(modelName), "another modelName than " + modelName + ": " + name);
        refuse(parameters.frequencyPenalty() != null, "frequencyPenalty");
        refuse(parameters.presencePenalty() != null, "presencePenalty");
        refuse(parameters.toolChoice() == ToolChoice.REQUIRED, "ToolChoice.REQUIRED");
        refuse(!parameters.toolSpecifications().isEmpty(), "tools");
        refuse(
                parameters.responseFormat() != null
                        && parameters.responseFormat().type() == ResponseFormatType.JSON,
                "the JSON response format");
    }

    private static void refuse(boolean asked, String feature) {
        if (asked) {
            throw unsupported(feature);
        }
    }

    private static UnsupportedFeatureException unsupported(String feature) {
        return new UnsupportedFeatureException("Moetier does not support " + feature);
    }

    private static Message message(ChatMessage message) {
        return switch (message) {
            case SystemMessage system -> new Message("system", system.text());
            case UserMessage user ->
                new Message("user", user.contents().stream().map(Requests::text).collect(Collectors.joining("\n")));
            case AiMessage ai -> new Message("assistant", text(ai));
            default -> throw unsupported("messages of the type " + message.type());
        };
    }

    private static String text(Content content) {
        if (content instanceof TextContent text) {
            return text.text();
        }
        throw unsupported(content.type().name().toLowerCase(Locale.ROOT) + " inputs");
    }

    private static String text(AiMessage ai) {
        refuse(ai.hasToolExecutionRequests(), "tools");
        refuse(!ai.images().isEmpty(), "image inputs");
        return ai.text() == null ? "" : ai.text();
    }

    /// A seed is drawn for each request if there is none, as the same request may have another answer.
    private AnswerSettings read(ChatRequestParameters parameters) {
        Sampling of = settings.sampling();
        Sampling sampling = new Sampling(
                or(parameters.temperature(), of.temperature()),
                or(parameters.topK(), of.topK()),
                or(parameters.topP(), of.topP()),
                of.minP(),
                of.repeatPenalty(),
                of.repeatLastN());
        long seed = settings.seed().orElseGet(() -> new SplittableRandom().nextInt(Integer.MAX_VALUE));
        Integer most = parameters.maxOutputTokens();
        return new AnswerSettings(
                sampling,
                OptionalLong.of(seed),
                most == null ? settings.maxTokens() : OptionalInt.of(most),
                parameters.stopSequences().isEmpty() ? settings.stops() : parameters.stopSequences());
    }

    private static <T> T or(@Nullable T value, T otherwise) {
        return value == null ? otherwise : value;
    }
}
