import com.amazonaws.services.dynamodbv2.streamsadapter.AmazonDynamoDBStreamsAdapterClient;
import com.amazonaws.services.dynamodbv2.streamsadapter.StreamsSchedulerFactory;
import com.amazonaws.services.dynamodbv2.streamsadapter.adapter.DynamoDBStreamsClientRecord;
import com.amazonaws.services.dynamodbv2.streamsadapter.model.DynamoDBStreamsProcessRecordsInput;
import com.amazonaws.services.dynamodbv2.streamsadapter.polling.DynamoDBStreamsPollingConfig;
import com.amazonaws.services.dynamodbv2.streamsadapter.processor.DynamoDBStreamsShardRecordProcessor;
import java.net.URI;
import java.time.Duration;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.streams.DynamoDbStreamsClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.StreamConfig;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.leases.LeaseManagementConfig;
import software.amazon.kinesis.leases.LeaseRefresher;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;

/**
 * A consumer as a user of the Kinesis Client Library writes it, with the library's waits made short.
 *
 * Arguments: endpoint, ARN of the stream, name of the application (its lease table), name of the worker. It writes a line
 * for each thing it does: "begin SHARD", "record SHARD SEQUENCE KEY VERSION", "end SHARD". It runs until its standard
 * input ends, and then shuts down in order.
 */
public final class Worker {
    private static final long LEASE_MILLIS = 10000; // three times as long as it takes to find a shard's children
    private static final Duration PATIENCE = Duration.ofSeconds(240); // with a server on a slow machine
    private static final long INDEX_SECONDS_MAX = 240;
    private static final long SHUTDOWN_MILLIS_MAX = 240000;

    public static void main(String[] arguments) throws Exception {
        URI endpoint = URI.create(arguments[0]);
        Region region = Region.US_EAST_1;
        DynamoDbAsyncClient tables = DynamoDbAsyncClient.builder().endpointOverride(endpoint).region(region)
                .httpClientBuilder(NettyNioAsyncHttpClient.builder().connectionAcquisitionTimeout(PATIENCE)
                        .connectionTimeout(PATIENCE).readTimeout(PATIENCE).writeTimeout(PATIENCE))
                .build();
        DynamoDbStreamsClient streams = DynamoDbStreamsClient.builder().endpointOverride(endpoint).region(region)
                .httpClientBuilder(ApacheHttpClient.builder().connectionAcquisitionTimeout(PATIENCE)
                        .connectionTimeout(PATIENCE).socketTimeout(PATIENCE))
                .build();
        CloudWatchAsyncClient metrics = CloudWatchAsyncClient.builder().endpointOverride(endpoint).region(region).build();
        AmazonDynamoDBStreamsAdapterClient adapter = new AmazonDynamoDBStreamsAdapterClient(streams, region);
        ConfigsBuilder builder = new ConfigsBuilder(
                StreamsSchedulerFactory.createSingleStreamTracker(
                        arguments[1],
                        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON)),
                arguments[2], adapter, tables, metrics, arguments[3], Processor::new);
        LeaseManagementConfig leases = builder.leaseManagementConfig()
                .failoverTimeMillis(LEASE_MILLIS)
                .shardSyncIntervalMillis(100)
                .leaseAssignmentIntervalMillis(500L)
                .leasesRecoveryAuditorInconsistencyConfidenceThreshold(0);
        leases.workerUtilizationAwareAssignmentConfig()
                .inMemoryWorkerMetricsCaptureFrequencyMillis(100)
                .workerMetricsReporterFreqInMillis(500);
        Scheduler scheduler = StreamsSchedulerFactory.createScheduler(
                builder.checkpointConfig(),
                builder.coordinatorConfig()
                        .parentShardPollIntervalMillis(200)
                        .skipShardSyncAtWorkerInitializationIfLeasesExist(true)
                        .shardConsumerDispatchPollIntervalMillis(200),
                leases,
                builder.lifecycleConfig(),
                builder.metricsConfig().metricsFactory(new NullMetricsFactory()),
                builder.processorConfig(),
                builder.retrievalConfig().retrievalSpecificConfig(
                        new DynamoDBStreamsPollingConfig(adapter).idleTimeBetweenReadsInMillis(100)),
                streams,
                region);
        prepare(scheduler);
        Thread thread = new Thread(scheduler, "scheduler");
        thread.start();
        while (System.in.read() >= 0) {
            // Nothing is ever said; only the end counts.
        }
        scheduler.shutdown();
        thread.join(SHUTDOWN_MILLIS_MAX);
        System.exit(thread.isAlive() ? 1 : 0);
    }

    /**
     * Do what the scheduler would do first, by its own means: create the leases, and the index of their owners. It would
     * wait a random time of up to 30 s before the one, and 10 s after the other, for other workers and a slower service.
     */
    private static void prepare(Scheduler scheduler) throws Exception {
        LeaseRefresher leases = scheduler.leaseRefresher();
        leases.createLeaseTableIfNotExists();
        for (StreamConfig each : scheduler.currentStreamConfigMap().values()) {
            scheduler.shardSyncTaskManagerProvider().apply(each).callShardSyncTask();
        }
        leases.createLeaseOwnerToLeaseKeyIndexIfNotExists();
        leases.waitUntilLeaseOwnerToLeaseKeyIndexExists(1, INDEX_SECONDS_MAX);
    }

    /** Writes the changes of one shard, and checkpoints each batch. */
    private static final class Processor implements DynamoDBStreamsShardRecordProcessor {
        private String shard;

        @Override
        public void initialize(InitializationInput input) {
            shard = input.shardId();
            System.out.println("begin " + shard);
        }

        @Override
        public void processRecords(DynamoDBStreamsProcessRecordsInput input) {
            for (DynamoDBStreamsClientRecord each : input.records()) {
                var change = each.getRecord().dynamodb();
                System.out.printf("record %s %s %s %s%n", shard, change.sequenceNumber(),
                        change.keys().get("p").s(), change.newImage().get("version").n());
            }
            if (!input.records().isEmpty()) {
                checkpoint(input.checkpointer());
            }
        }

        @Override
        public void shardEnded(ShardEndedInput input) {
            checkpoint(input.checkpointer());
            System.out.println("end " + shard);
        }

        @Override
        public void leaseLost(LeaseLostInput input) {
            System.out.println("lost " + shard);
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {
            checkpoint(input.checkpointer());
        }

        private static void checkpoint(RecordProcessorCheckpointer checkpointer) {
            try {
                checkpointer.checkpoint();
            } catch (ShutdownException lost) {
                // The lease is another's, or will be ours again: then what followed the last checkpoint is read again.
            } catch (InvalidStateException error) {
                throw new IllegalStateException(error);
            }
        }
    }
}
