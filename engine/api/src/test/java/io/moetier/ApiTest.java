package io.moetier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// What embedders see is of the JDK or of this package.
class ApiTest {
    private static final Pattern PACKAGE = Pattern.compile("(?:[a-z]\\w*\\.)+(?=[A-Z])");
    private static final int MOST_TYPES = 20;

    private static List<Class<?>> publicTypes() throws IOException, URISyntaxException, ClassNotFoundException {
        Path folder = Path.of(Objects.requireNonNull(Model.class.getResource("Model.class"))
                        .toURI())
                .resolveSibling("");
        List<Class<?>> types = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".class")).toList()) {
                Class<?> type = Class.forName(
                        "io.moetier." + file.getFileName().toString().replace(".class", ""));
                if (Modifier.isPublic(type.getModifiers())) {
                    types.add(type);
                }
            }
        }
        return types;
    }

    @Test
    void signaturesNameNoTypeOfAnotherPackage() throws ReflectiveOperationException, IOException, URISyntaxException {
        List<Class<?>> types = publicTypes();
        long topLevel =
                types.stream().filter(type -> type.getEnclosingClass() == null).count();
        assertTrue(topLevel >= 12 && topLevel <= MOST_TYPES, () -> "types: " + types);
        List<String> foreign = types.stream()
                .flatMap(ApiTest::named)
                .map(Type::getTypeName)
                .filter(ApiTest::isForeign)
                .sorted()
                .toList();
        assertEquals(List.of(), foreign);
    }

    private static boolean isForeign(String name) {
        return PACKAGE.matcher(name)
                .results()
                .map(MatchResult::group)
                .anyMatch(of -> !of.startsWith("java.") && !of.equals("io.moetier."));
    }

    private static Stream<Type> named(Class<?> type) {
        Stream<Executable> executables =
                Stream.concat(Stream.of(type.getDeclaredConstructors()), Stream.of(type.getDeclaredMethods()));
        Stream<Type> inExecutables = executables
                .filter(executable -> isSeen(executable.getModifiers()))
                .flatMap(ApiTest::named);
        Stream<Type> fields = Stream.of(type.getDeclaredFields())
                .filter(field -> isSeen(field.getModifiers()))
                .map(Field::getGenericType);
        return Stream.of(inExecutables, fields, Stream.of(type.getGenericInterfaces()))
                .flatMap(part -> part);
    }

    private static Stream<Type> named(Executable executable) {
        Stream<Type> result =
                executable instanceof Method method ? Stream.of(method.getGenericReturnType()) : Stream.of();
        return Stream.concat(result, Stream.of(executable.getGenericParameterTypes()));
    }

    private static boolean isSeen(int modifiers) {
        return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
    }
}
