// The AWS SDK for Go v2: structs as items, conditions, pages, an index, batches, transactions, statements, waiters.
//
// Arguments: endpoint, key id, secret, name of a table to make. It ends with a non-zero code at the first thing that is
// not as it must be.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	patience = 240 * time.Second // with a server on a slow machine
	items    = 5
)

type song struct {
	Artist  string            `dynamodbav:"artist"`
	Number  int               `dynamodbav:"number"`
	Genre   string            `dynamodbav:"genre"`
	Tags    []string          `dynamodbav:"tags,stringset,omitempty"`
	Made    time.Time         `dynamodbav:"made"`
	Credits map[string][]byte `dynamodbav:"credits,omitempty"`
	Plays   int               `dynamodbav:"plays"`
}

type smoke struct {
	client *dynamodb.Client
	table  *string
	ctx    context.Context
}

func main() {
	keys := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: os.Args[2], SecretAccessKey: os.Args[3]}, nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &os.Args[1], Credentials: keys})
	s := smoke{client, &os.Args[4], ctx}
	s.createTable()
	s.one()
	s.many()
	s.index()
	s.transactions()
	s.statements()
	s.deleteTable()
}

func (s smoke) createTable() {
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
	}
	_, err := s.client.CreateTable(s.ctx, &dynamodb.CreateTableInput{
		TableName: s.table,
		KeySchema: []types.KeySchemaElement{key("artist", types.KeyTypeHash), key("number", types.KeyTypeRange)},
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("artist", types.ScalarAttributeTypeS),
			attribute("number", types.ScalarAttributeTypeN),
			attribute("genre", types.ScalarAttributeTypeS),
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("by_genre"),
			KeySchema:  []types.KeySchemaElement{key("genre", types.KeyTypeHash)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
		BillingMode: types.BillingModePayPerRequest,
	})
	must(err)
	must(dynamodb.NewTableExistsWaiter(s.client).Wait(s.ctx, &dynamodb.DescribeTableInput{TableName: s.table}, patience))
}

func (s smoke) one() {
	first := made(0, "soul")
	first.Tags = []string{"a", "b"}
	first.Credits = map[string][]byte{"piano": {0, 255}}
	none := build(expression.NewBuilder().WithCondition(expression.AttributeNotExists(expression.Name("artist"))))
	put := &dynamodb.PutItemInput{
		TableName:                 s.table,
		Item:                      marshalled(first),
		ConditionExpression:       none.Condition(),
		ExpressionAttributeNames:  none.Names(),
		ExpressionAttributeValues: none.Values(),
	}
	_, err := s.client.PutItem(s.ctx, put)
	must(err)
	got, err := s.client.GetItem(s.ctx, &dynamodb.GetItemInput{
		TableName: s.table, Key: keyOf(0), ConsistentRead: aws.Bool(true),
	})
	must(err)
	check(unmarshalled(got.Item), first)
	put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	_, err = s.client.PutItem(s.ctx, put)
	check(unmarshalled(refused[*types.ConditionalCheckFailedException](err).Item), first)

	update := build(expression.NewBuilder().WithUpdate(expression.
		Add(expression.Name("plays"), expression.Value(2)).
		Set(expression.Name("genre"), expression.Value("jazz"))))
	updated, err := s.client.UpdateItem(s.ctx, &dynamodb.UpdateItemInput{
		TableName:                 s.table,
		Key:                       keyOf(0),
		UpdateExpression:          update.Update(),
		ExpressionAttributeNames:  update.Names(),
		ExpressionAttributeValues: update.Values(),
		ReturnValues:              types.ReturnValueAllNew,
	})
	must(err)
	first.Plays, first.Genre = 2, "jazz"
	check(unmarshalled(updated.Attributes), first)
}

func (s smoke) many() {
	var writes []types.WriteRequest
	var keys []map[string]types.AttributeValue
	for number := 1; number < items; number++ {
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: marshalled(made(number, "pop"))}})
		keys = append(keys, keyOf(number))
	}
	written, err := s.client.BatchWriteItem(s.ctx, &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{*s.table: writes},
	})
	must(err)
	check(len(written.UnprocessedItems), 0)
	got, err := s.client.BatchGetItem(s.ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{*s.table: {Keys: keys}},
	})
	must(err)
	check(len(got.Responses[*s.table]), items-1)

	asked := build(expression.NewBuilder().WithKeyCondition(expression.KeyAnd(
		expression.Key("artist").Equal(expression.Value("nina")),
		expression.Key("number").Between(expression.Value(1), expression.Value(3)))))
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:                 s.table,
		KeyConditionExpression:    asked.KeyCondition(),
		ExpressionAttributeNames:  asked.Names(),
		ExpressionAttributeValues: asked.Values(),
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(1),
	})
	var numbers []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.ctx)
		must(err)
		for _, item := range page.Items {
			numbers = append(numbers, unmarshalled(item).Number)
		}
	}
	check(numbers, []int{3, 2, 1})

	pop := build(expression.NewBuilder().WithFilter(expression.Name("genre").Equal(expression.Value("pop"))))
	scan := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{
		TableName:                 s.table,
		FilterExpression:          pop.Filter(),
		ExpressionAttributeNames:  pop.Names(),
		ExpressionAttributeValues: pop.Values(),
		Limit:                     aws.Int32(1),
	})
	count := 0
	for scan.HasMorePages() {
		page, err := scan.NextPage(s.ctx)
		must(err)
		count += len(page.Items)
	}
	check(count, items-1)
}

func (s smoke) index() {
	pop := build(expression.NewBuilder().WithKeyCondition(expression.Key("genre").Equal(expression.Value("pop"))))
	for found := -1; found != items-1; { // an index follows its table
		page, err := s.client.Query(s.ctx, &dynamodb.QueryInput{
			TableName:                 s.table,
			IndexName:                 aws.String("by_genre"),
			KeyConditionExpression:    pop.KeyCondition(),
			ExpressionAttributeNames:  pop.Names(),
			ExpressionAttributeValues: pop.Values(),
			Select:                    types.SelectCount,
		})
		must(err)
		found = int(page.Count)
	}
}

func (s smoke) transactions() {
	put := types.TransactWriteItem{Put: &types.Put{TableName: s.table, Item: marshalled(made(7, "soul"))}}
	rock := build(expression.NewBuilder().WithCondition(expression.Name("genre").Equal(expression.Value("rock"))))
	look := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName:                 s.table,
		Key:                       keyOf(1),
		ConditionExpression:       rock.Condition(),
		ExpressionAttributeNames:  rock.Names(),
		ExpressionAttributeValues: rock.Values(),
	}}
	_, err := s.client.TransactWriteItems(s.ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{put, look},
	})
	var codes []string
	for _, reason := range refused[*types.TransactionCanceledException](err).CancellationReasons {
		codes = append(codes, *reason.Code)
	}
	check(codes, []string{"None", "ConditionalCheckFailed"})
	_, err = s.client.TransactWriteItems(s.ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{put, {Delete: &types.Delete{TableName: s.table, Key: keyOf(1)}}},
	})
	must(err)
	got, err := s.client.TransactGetItems(s.ctx, &dynamodb.TransactGetItemsInput{
		TransactItems: []types.TransactGetItem{
			{Get: &types.Get{TableName: s.table, Key: keyOf(1)}}, {Get: &types.Get{TableName: s.table, Key: keyOf(7)}},
		},
	})
	must(err)
	check([]bool{got.Responses[0].Item == nil, got.Responses[1].Item == nil}, []bool{true, false})
}

func (s smoke) statements() {
	nina := &types.AttributeValueMemberS{Value: "nina"}
	statement := fmt.Sprintf("SELECT * FROM %q WHERE artist = ?", *s.table)
	asked := &dynamodb.ExecuteStatementInput{
		Statement: &statement, Parameters: []types.AttributeValue{nina}, Limit: aws.Int32(2),
	}
	var numbers []int
	for {
		page, err := s.client.ExecuteStatement(s.ctx, asked)
		must(err)
		for _, item := range page.Items {
			numbers = append(numbers, unmarshalled(item).Number)
		}
		if asked.NextToken = page.NextToken; asked.NextToken == nil {
			break
		}
	}
	check(numbers, []int{0, 2, 3, 4, 7})
}

func (s smoke) deleteTable() {
	_, err := s.client.DeleteTable(s.ctx, &dynamodb.DeleteTableInput{TableName: s.table})
	must(err)
	gone := dynamodb.NewTableNotExistsWaiter(s.client)
	must(gone.Wait(s.ctx, &dynamodb.DescribeTableInput{TableName: s.table}, patience))
	_, err = s.client.DescribeTable(s.ctx, &dynamodb.DescribeTableInput{TableName: s.table})
	refused[*types.ResourceNotFoundException](err)
}

func made(number int, genre string) song {
	return song{Artist: "nina", Number: number, Genre: genre, Made: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func keyOf(number int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"artist": &types.AttributeValueMemberS{Value: "nina"},
		"number": &types.AttributeValueMemberN{Value: fmt.Sprint(number)},
	}
}

func marshalled(item song) map[string]types.AttributeValue {
	made, err := attributevalue.MarshalMap(item)
	must(err)
	return made
}

func unmarshalled(item map[string]types.AttributeValue) song {
	var found song
	must(attributevalue.UnmarshalMap(item, &found))
	return found
}

func build(builder expression.Builder) expression.Expression {
	made, err := builder.Build()
	must(err)
	return made
}

func refused[E error](err error) E {
	var wanted E
	if !errors.As(err, &wanted) {
		panic(fmt.Sprintf("wanted %T, got %v", wanted, err))
	}
	return wanted
}

func check(got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		panic(fmt.Sprintf("got %v, wanted %v", got, wanted))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
