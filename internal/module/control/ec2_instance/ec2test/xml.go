package ec2test

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

// The answers, under the API's names.
type (
	identity struct {
		XMLName xml.Name `xml:"GetCallerIdentityResponse"`
		Account string   `xml:"GetCallerIdentityResult>Account"`
		Arn     string   `xml:"GetCallerIdentityResult>Arn"`
		UserID  string   `xml:"GetCallerIdentityResult>UserId"`
	}
	state struct {
		Code int    `xml:"code"`
		Name string `xml:"name"`
	}
	tag struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
	groupItem struct {
		ID   string `xml:"groupId"`
		Name string `xml:"groupName"`
	}
	placement struct {
		Zone    string `xml:"availabilityZone"`
		Tenancy string `xml:"tenancy"`
		Group   string `xml:"groupName,omitempty"`
	}
	monitoring struct {
		State string `xml:"state"`
	}
	cpu struct {
		Cores   int `xml:"coreCount"`
		Threads int `xml:"threadsPerCore"`
	}
	metadata struct {
		State    string `xml:"state"`
		Tokens   string `xml:"httpTokens"`
		Hops     int    `xml:"httpPutResponseHopLimit"`
		Endpoint string `xml:"httpEndpoint"`
	}
	iamProfile struct {
		Arn string `xml:"arn"`
		ID  string `xml:"id"`
	}
	ebs struct {
		ID     string `xml:"volumeId"`
		Status string `xml:"status"`
		Delete bool   `xml:"deleteOnTermination"`
	}
	blockDevice struct {
		Name string `xml:"deviceName"`
		EBS  ebs    `xml:"ebs"`
	}
	netif struct {
		ID     string `xml:"networkInterfaceId"`
		Subnet string `xml:"subnetId"`
		VPC    string `xml:"vpcId"`
		IP     string `xml:"privateIpAddress,omitempty"`
		Status string `xml:"status"`
	}
	instance struct {
		InstanceID      string        `xml:"instanceId"`
		ImageID         string        `xml:"imageId"`
		State           state         `xml:"instanceState"`
		PrivateDNS      string        `xml:"privateDnsName"`
		PublicDNS       string        `xml:"dnsName"`
		Reason          string        `xml:"reason"`
		KeyName         string        `xml:"keyName,omitempty"`
		LaunchIndex     int           `xml:"amiLaunchIndex"`
		Type            string        `xml:"instanceType"`
		LaunchTime      string        `xml:"launchTime"`
		Placement       placement     `xml:"placement"`
		Monitoring      monitoring    `xml:"monitoring"`
		SubnetID        string        `xml:"subnetId"`
		VPC             string        `xml:"vpcId"`
		PrivateIP       string        `xml:"privateIpAddress"`
		PublicIP        string        `xml:"ipAddress,omitempty"`
		SourceDestCheck bool          `xml:"sourceDestCheck"`
		Groups          []groupItem   `xml:"groupSet>item"`
		Architecture    string        `xml:"architecture"`
		RootDeviceType  string        `xml:"rootDeviceType"`
		RootDevice      string        `xml:"rootDeviceName"`
		Disks           []blockDevice `xml:"blockDeviceMapping>item"`
		ClientToken     string        `xml:"clientToken"`
		Tags            []tag         `xml:"tagSet>item"`
		Hypervisor      string        `xml:"hypervisor"`
		Interfaces      []netif       `xml:"networkInterfaceSet>item"`
		Profile         *iamProfile   `xml:"iamInstanceProfile"`
		EbsOptimized    bool          `xml:"ebsOptimized"`
		CPU             *cpu          `xml:"cpuOptions"`
		Metadata        *metadata     `xml:"metadataOptions"`

		machine machine
	}
	runAnswer struct {
		XMLName       xml.Name   `xml:"RunInstancesResponse"`
		ReservationID string     `xml:"reservationId"`
		Instances     []instance `xml:"instancesSet>item"`
	}
	reservation struct {
		ID        string     `xml:"reservationId"`
		Instances []instance `xml:"instancesSet>item"`
	}
	describeAnswer struct {
		XMLName      xml.Name      `xml:"DescribeInstancesResponse"`
		Reservations []reservation `xml:"reservationSet>item"`
		NextToken    string        `xml:"nextToken,omitempty"`
	}
	statusItem struct {
		ID       string `xml:"instanceId"`
		State    state  `xml:"instanceState"`
		Instance string `xml:"instanceStatus>status"`
		System   string `xml:"systemStatus>status"`
	}
	statusAnswer struct {
		XMLName xml.Name     `xml:"DescribeInstanceStatusResponse"`
		Items   []statusItem `xml:"instanceStatusSet>item"`
	}
	changeItem struct {
		ID  string `xml:"instanceId"`
		Now state  `xml:"currentState"`
		Old state  `xml:"previousState"`
	}
	changeAnswer struct {
		XMLName xml.Name     `xml:"InstancesResponse"`
		Items   []changeItem `xml:"instancesSet>item"`
	}
	tagItem struct {
		ID    string `xml:"resourceId"`
		Kind  string `xml:"resourceType"`
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
	tagsAnswer struct {
		XMLName xml.Name  `xml:"DescribeTagsResponse"`
		Items   []tagItem `xml:"tagSet>item"`
	}
	boolean struct {
		Value bool `xml:"value"`
	}
	attributeAnswer struct {
		XMLName      xml.Name    `xml:"DescribeInstanceAttributeResponse"`
		InstanceID   string      `xml:"instanceId"`
		Protected    *boolean    `xml:"disableApiTermination"`
		EbsOptimized *boolean    `xml:"ebsOptimized"`
		Groups       []groupItem `xml:"groupSet>item"`
	}
	association struct {
		ID       string     `xml:"associationId"`
		Instance string     `xml:"instanceId"`
		Profile  iamProfile `xml:"iamInstanceProfile"`
	}
	profileAnswer struct {
		XMLName xml.Name      `xml:"IamInstanceProfileResponse"`
		One     *association  `xml:"iamInstanceProfileAssociation"`
		Items   []association `xml:"iamInstanceProfileAssociationSet>item"`
	}
	attachAnswer struct {
		XMLName xml.Name `xml:"AttachNetworkInterfaceResponse"`
		ID      string   `xml:"attachmentId"`
	}
	done struct {
		XMLName xml.Name `xml:"Response"`
		Return  bool     `xml:"return"`
	}
	vpc struct {
		ID      string `xml:"vpcId"`
		Default bool   `xml:"isDefault"`
	}
	vpcsAnswer struct {
		XMLName xml.Name `xml:"DescribeVpcsResponse"`
		Items   []vpc    `xml:"vpcSet>item"`
	}
	subnet struct {
		ID      string `xml:"subnetId"`
		VPC     string `xml:"vpcId"`
		Zone    string `xml:"availabilityZone"`
		State   string `xml:"state"`
		Default bool   `xml:"defaultForAz"`
	}
	subnetsAnswer struct {
		XMLName xml.Name `xml:"DescribeSubnetsResponse"`
		Items   []subnet `xml:"subnetSet>item"`
	}
	group struct {
		ID   string `xml:"groupId"`
		Name string `xml:"groupName"`
		VPC  string `xml:"vpcId"`
	}
	groupsAnswer struct {
		XMLName xml.Name `xml:"DescribeSecurityGroupsResponse"`
		Items   []group  `xml:"securityGroupInfo>item"`
	}
	refusal struct {
		XMLName xml.Name `xml:"Response"`
		Code    string   `xml:"Errors>Error>Code"`
		Message string   `xml:"Errors>Error>Message"`
		Request string   `xml:"RequestID"`
	}
)

func send(w http.ResponseWriter, answer any) {
	data, err := xml.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	_, _ = fmt.Fprintf(w, "%s%s", xml.Header, data) // the client is gone, if this fails
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	data, err := xml.Marshal(refusal{Code: code, Message: message, Request: "request-1"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "%s%s", xml.Header, data) // the client is gone, if this fails
}
