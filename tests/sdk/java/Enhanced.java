import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.waiters.WaiterOverrideConfiguration;
import software.amazon.awssdk.enhanced.dynamodb.DynamoDbEnhancedClient;
import software.amazon.awssdk.enhanced.dynamodb.DynamoDbTable;
import software.amazon.awssdk.enhanced.dynamodb.Expression;
import software.amazon.awssdk.enhanced.dynamodb.Key;
import software.amazon.awssdk.enhanced.dynamodb.TableSchema;
import software.amazon.awssdk.enhanced.dynamodb.extensions.annotations.DynamoDbVersionAttribute;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbBean;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbPartitionKey;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbSecondaryPartitionKey;
import software.amazon.awssdk.enhanced.dynamodb.mapper.annotations.DynamoDbSortKey;
import software.amazon.awssdk.enhanced.dynamodb.model.BatchGetItemEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.BatchWriteItemEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.ConditionCheck;
import software.amazon.awssdk.enhanced.dynamodb.model.EnhancedGlobalSecondaryIndex;
import software.amazon.awssdk.enhanced.dynamodb.model.PutItemEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.QueryConditional;
import software.amazon.awssdk.enhanced.dynamodb.model.QueryEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.ReadBatch;
import software.amazon.awssdk.enhanced.dynamodb.model.TransactWriteItemsEnhancedRequest;
import software.amazon.awssdk.enhanced.dynamodb.model.WriteBatch;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.ConditionalCheckFailedException;
import software.amazon.awssdk.services.dynamodb.model.ProjectionType;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;
import software.amazon.awssdk.services.dynamodb.waiters.DynamoDbWaiter;

/**
 * The AWS SDK for Java v2 with its enhanced client: beans, versions, pages, an index, batches, transactions, waiters.
 *
 * Arguments: endpoint, key id, secret, name of a table to make. It ends with a non-zero code at the first thing that is
 * not as it must be.
 */
public final class Enhanced {
    private static final Duration PATIENCE = Duration.ofSeconds(240); // with a server on a slow machine
    private static final int ITEMS = 5;

    private final DynamoDbClient client;
    private final DynamoDbEnhancedClient enhanced;
    private final DynamoDbTable<Song> songs;
    private final DynamoDbWaiter waiter;

    private Enhanced(DynamoDbClient client, String table) {
        this.client = client;
        enhanced = DynamoDbEnhancedClient.builder().dynamoDbClient(client).build();
        songs = enhanced.table(table, TableSchema.fromBean(Song.class));
        waiter = DynamoDbWaiter.builder().client(client)
                .overrideConfiguration(WaiterOverrideConfiguration.builder().waitTimeout(PATIENCE).build()).build();
    }

    public static void main(String[] arguments) {
        AwsBasicCredentials keys = AwsBasicCredentials.create(arguments[1], arguments[2]);
        try (DynamoDbClient client = DynamoDbClient.builder().endpointOverride(URI.create(arguments[0]))
                .region(Region.US_EAST_1).credentialsProvider(StaticCredentialsProvider.create(keys))
                .httpClientBuilder(UrlConnectionHttpClient.builder().connectionTimeout(PATIENCE).socketTimeout(PATIENCE))
                .build()) {
            Enhanced smoke = new Enhanced(client, arguments[3]);
            smoke.createTable();
            smoke.one();
            smoke.many();
            smoke.index();
            smoke.transactions();
            smoke.deleteTable();
        }
    }

    private void createTable() {
        songs.createTable(request -> request.globalSecondaryIndices(EnhancedGlobalSecondaryIndex.builder()
                .indexName("by_genre").projection(projection -> projection.projectionType(ProjectionType.ALL)).build()));
        waiter.waitUntilTableExists(request -> request.tableName(songs.tableName()));
        check(songs.describeTable().table().tableName(), songs.tableName());
    }

    private void one() {
        Instant made = Instant.parse("2020-01-02T03:04:05Z");
        songs.putItem(song(0, "soul", made));
        Song got = songs.getItem(request -> request.key(key(0)).consistentRead(true));
        check(List.of(got.getTags(), got.getMade(), got.getCredits(), got.getVersion()),
                List.of(Set.of("a", "b"), made, Map.of("piano", List.of("ann", "bob")), 1L));
        got.setGenre("jazz");
        check(songs.updateItem(got).getVersion(), 2L);
        refused(ConditionalCheckFailedException.class, () -> songs.updateItem(song(0, "rock", made)));
        Expression none = Expression.builder().expression("attribute_not_exists(artist)").build();
        refused(ConditionalCheckFailedException.class, () -> songs.putItem(
                PutItemEnhancedRequest.builder(Song.class).item(got).conditionExpression(none).build()));
        check(songs.getItem(key(99)), null);
    }

    private void many() {
        // a batch has no conditions, and so no versions
        DynamoDbTable<Song> plain = DynamoDbEnhancedClient.builder().dynamoDbClient(client).extensions(List.of()).build()
                .table(songs.tableName(), songs.tableSchema());
        WriteBatch.Builder<Song> puts = WriteBatch.builder(Song.class).mappedTableResource(plain);
        ReadBatch.Builder<Song> gets = ReadBatch.builder(Song.class).mappedTableResource(songs);
        for (int number = 1; number < ITEMS; number++) {
            puts.addPutItem(song(number, "pop", Instant.EPOCH));
            gets.addGetItem(key(number));
        }
        check(enhanced.batchWriteItem(BatchWriteItemEnhancedRequest.builder().writeBatches(puts.build()).build())
                .unprocessedPutItemsForTable(songs), List.of());
        check(enhanced.batchGetItem(BatchGetItemEnhancedRequest.builder().readBatches(gets.build()).build())
                .resultsForTable(songs).stream().count(), ITEMS - 1L);
        List<Integer> numbers = new ArrayList<>();
        QueryConditional all = QueryConditional.keyEqualTo(key -> key.partitionValue("nina"));
        songs.query(QueryEnhancedRequest.builder().queryConditional(all).limit(1).scanIndexForward(false).build()).items()
                .forEach(song -> numbers.add(song.getNumber()));
        check(numbers, List.of(4, 3, 2, 1, 0));
        QueryConditional some = QueryConditional.sortBetween(key(1), key(3));
        check(songs.query(some).items().stream().count(), 3L);
        Expression pop = Expression.builder().expression("#g = :g").putExpressionName("#g", "genre")
                .putExpressionValue(":g", AttributeValue.fromS("pop")).build();
        check(songs.scan(request -> request.filterExpression(pop).limit(1)).items().stream().count(), ITEMS - 1L);
    }

    private void index() {
        QueryConditional pop = QueryConditional.keyEqualTo(key -> key.partitionValue("pop"));
        long deadline = System.nanoTime() + PATIENCE.toNanos(); // an index follows its table
        while (songs.index("by_genre").query(pop).stream().mapToLong(page -> page.items().size()).sum() != ITEMS - 1) {
            check(System.nanoTime() < deadline, true);
        }
    }

    private void transactions() {
        Expression rock = Expression.builder().expression("genre = :g")
                .putExpressionValue(":g", AttributeValue.fromS("rock")).build();
        TransactionCanceledException cancelled = refused(TransactionCanceledException.class,
                () -> enhanced.transactWriteItems(TransactWriteItemsEnhancedRequest.builder()
                        .addPutItem(songs, song(7, "soul", Instant.EPOCH))
                        .addConditionCheck(songs,
                                ConditionCheck.builder().key(key(1)).conditionExpression(rock).build())
                        .build()));
        check(cancelled.cancellationReasons().stream().map(reason -> reason.code()).toList(),
                List.of("None", "ConditionalCheckFailed"));
        enhanced.transactWriteItems(request -> request.addPutItem(songs, song(7, "soul", Instant.EPOCH))
                .addDeleteItem(songs, key(1)));
        check(IntStream.of(1, 7).mapToObj(number -> songs.getItem(key(number)) != null).toList(), List.of(false, true));
    }

    private void deleteTable() {
        songs.deleteTable();
        waiter.waitUntilTableNotExists(request -> request.tableName(songs.tableName()));
    }

    private static Key key(int number) {
        return Key.builder().partitionValue("nina").sortValue(number).build();
    }

    private static Song song(int number, String genre, Instant made) {
        Song song = new Song();
        song.setArtist("nina");
        song.setNumber(number);
        song.setGenre(genre);
        song.setMade(made);
        song.setTags(Set.of("a", "b"));
        song.setCredits(Map.of("piano", List.of("ann", "bob")));
        return song;
    }

    private static void check(Object found, Object expected) {
        if (found == null ? expected != null : !found.equals(expected)) {
            throw new AssertionError(found + " and not " + expected);
        }
    }

    private static <E extends Exception> E refused(Class<E> kind, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException error) {
            if (kind.isInstance(error)) {
                return kind.cast(error);
            }
            throw error;
        }
        throw new AssertionError("no " + kind.getSimpleName());
    }

    /** An item. */
    @DynamoDbBean
    public static class Song {
        private String artist;
        private Integer number;
        private String genre;
        private Instant made;
        private Set<String> tags;
        private Map<String, List<String>> credits;
        private Long version;

        @DynamoDbPartitionKey
        public String getArtist() {
            return artist;
        }

        public void setArtist(String artist) {
            this.artist = artist;
        }

        @DynamoDbSortKey
        public Integer getNumber() {
            return number;
        }

        public void setNumber(Integer number) {
            this.number = number;
        }

        @DynamoDbSecondaryPartitionKey(indexNames = "by_genre")
        public String getGenre() {
            return genre;
        }

        public void setGenre(String genre) {
            this.genre = genre;
        }

        public Instant getMade() {
            return made;
        }

        public void setMade(Instant made) {
            this.made = made;
        }

        public Set<String> getTags() {
            return tags;
        }

        public void setTags(Set<String> tags) {
            this.tags = tags;
        }

        public Map<String, List<String>> getCredits() {
            return credits;
        }

        public void setCredits(Map<String, List<String>> credits) {
            this.credits = credits;
        }

        @DynamoDbVersionAttribute
        public Long getVersion() {
            return version;
        }

        public void setVersion(Long version) {
            this.version = version;
        }
    }
}
